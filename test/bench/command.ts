import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { benchStudy, makeToken } from './bench-study.js';
import { Connection } from './connection.js';
import { measureLimits } from './limits.js';
import { type Server, untilAtRest } from './measure.js';
import { pssMebibytes } from './process-usage.js';
import { errorsText, limitsText, type Results, type RowResult, tableOf } from './report.js';
import { objectRows, type Row, type Scale, scales, searchRowsOf, storeTinyArchive } from './rows.js';
import { turns } from './statistics.js';

const usage = `npm run bench -- --server name=URL [--server name=URL ...] [options]
npm run bench -- load --data-dir DIR ...     fills an index without objects; say it alone for its options

Measures DICOMweb servers side by side: the same requests in alternating turns, every answer checked. The servers must be
empty; made-up studies stay in them. Run it on the machine of the servers, with nothing else running.

  --server NAME=URL   the service root; the first one named is what the others are compared to
  --pid NAME=PID      its process, for processor time and memory, with all its descendants; may be given more than once
  --quick | --full    2 rounds of 1 s (the default) or 5 rounds of 3 s
  --only TEXT         only rows whose id begins so: search, metadata, frame, instance, series, rendered, thumbnail,
                      store, mixed, memory
  --loaded N          the archives hold what \`load --studies N\` made: only searches, nothing is stored
  --series N, --instances N   what \`load\` was given
  --seed N            of everything made up; a server that keeps its studies needs another one each time
  --json FILE         every round of every row

A cell is the median of the rounds; a ratio the median of the ratios round by round. Ends with 1 when an answer was wrong.`;

/** @returns the exit status */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      server: { type: 'string', multiple: true, default: [] },
      pid: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean' },
      full: { type: 'boolean' },
      smoke: { type: 'boolean' },
      only: { type: 'string', default: '' },
      loaded: { type: 'string' },
      series: { type: 'string', default: '4' },
      instances: { type: 'string', default: '25' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.server.length === 0 || values.help) {
    process.stderr.write(`${usage}\n`);
    return 2;
  }
  const servers = values.server.map((text): Server => {
    const { name, value } = pair(text);
    const pids = values.pid.map(pair).filter((pid) => pid.name === name);
    return { name, url: new URL(value), pids: pids.map((pid) => Number(pid.value)) };
  });
  const scale = values.smoke ? scales.smoke : values.full ? scales.full : scales.quick;
  const rounds = values.smoke ? 1 : values.full ? 5 : 2;
  const limits = await measureLimits(scale.seconds);
  process.stdout.write(limitsText(limits));
  // At rest, before anything is asked of them.
  const atRest = servers.map(({ name, pids }) => ({
    name,
    pssMebibytes: pids.length > 0 ? pssMebibytes(pids) : undefined,
  }));
  for (const { name, pssMebibytes: pss } of atRest)
    if (pss !== undefined) process.stdout.write(`${name}: ${pss.toFixed(0)} MiB at rest (PSS)\n`);
  const rows: RowResult[] = [];
  const run = async (some: readonly Row[]) => {
    for (const row of some.filter(({ id }) => id.startsWith(values.only)))
      rows.push(await measureRow(row, servers, rounds, scale));
  };
  const loaded =
    values.loaded === undefined
      ? undefined
      : { studies: Number(values.loaded), series: Number(values.series), instances: Number(values.instances) };
  await run(await makeSearchRows(servers, scale, Number(values.seed), loaded));
  if (values.loaded === undefined) await run(await objectRows(servers, Number(values.seed), scale));
  process.stdout.write(`\n${tableOf(servers, rows)}`);
  const errors = errorsText(rows);
  process.stderr.write(errors);
  const results: Results = { servers: atRest, limits, rows };
  if (values.json !== undefined) await writeFile(values.json, JSON.stringify(results, undefined, 1));
  return errors === '' ? 0 : 1;
}

async function makeSearchRows(
  servers: readonly Server[],
  scale: Scale,
  seed: number,
  loaded: { studies: number; series: number; instances: number } | undefined,
): Promise<Row[]> {
  if (loaded !== undefined) {
    const token = makeToken(seed);
    const studies = Array.from({ length: loaded.studies }, (_, index) => benchStudy(token, index));
    return searchRowsOf({ token, studies, seriesPerStudy: loaded.series, instancesPerSeries: loaded.instances }, scale);
  }
  for (const server of servers) {
    const connection = new Connection(server.url);
    const { status, body } = await connection.send({ path: '/studies?limit=1', accept: 'application/dicom+json' });
    connection.close();
    if (status !== 204 && (status !== 200 || body.toString().trim() !== '[]'))
      throw new Error(`${server.name} is not an empty archive: what its searches must find is not known.`);
  }
  return searchRowsOf(await storeTinyArchive(servers, seed, scale), scale);
}

async function measureRow(row: Row, servers: readonly Server[], rounds: number, scale: Scale): Promise<RowResult> {
  const { id, title, unit } = row;
  const measurements = Object.fromEntries(servers.map(({ name }) => [name, []])) as RowResult['measurements'];
  await untilAtRest(servers, 10 * scale.seconds);
  for (let round = 0; round < rounds; round++)
    for (const server of turns(servers, round)) measurements[server.name]!.push(await row.run(server, round));
  process.stderr.write(`${id}\n`);
  return { id, title, unit, measurements };
}

function pair(text: string): { name: string; value: string } {
  const at = text.indexOf('=');
  if (at < 1) throw new Error(`${text} is not name=value`);
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}
