import { query, transaction } from '#libs/database';
import type { RunningApp } from '#libs/server';
import { sendSamples } from './samples/send-samples.js';

const setting = 'samples-sent';

/**
 * Sends the sample studies into an archive that holds nothing else, once. A start that was cut off in between sends
 * them again: their UIDs are fixed, and what is already stored is stored no second time.
 */
export async function seedSamples({ config, dataSource, logger }: RunningApp): Promise<void> {
  if (!config.samples || config.dicomwebUrl === undefined) return;
  const [state] = await query<{ sent: boolean; others: boolean }>(
    dataSource,
    `select exists (select from setting where name = $1) as sent,
            exists (select from study where patient_id is null or patient_id not like 'ISOCENTER-SAMPLE-%') as others`,
    [setting],
  );
  if (state === undefined || state.sent || state.others) return;

  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  process.once('SIGTERM', () => stopping.abort());
  process.stdout.write('Sending three sample studies (synthetic; ISOCENTER_SAMPLES=off for an empty archive) ...\n');
  try {
    await sendSamples(config.dicomwebUrl, {
      signal: stopping.signal,
      headers: config.apiToken === undefined ? {} : { authorization: `Bearer ${config.apiToken}` },
      log: (text) => logger.info(text),
    });
    await transaction(dataSource, (tx) =>
      query(tx, `insert into setting (name, value) values ($1, 'true') on conflict do nothing`, [setting]),
    );
    process.stdout.write('The samples are stored; their AI results appear in the worklist within a minute.\n');
  } catch (error) {
    // The suite serves without its samples; the next start tries again.
    if (!stopping.signal.aborted) logger.error({ err: error }, 'the sample studies could not be sent');
  }
}
