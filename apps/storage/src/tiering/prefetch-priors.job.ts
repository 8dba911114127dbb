import { Inject, Injectable } from '@nestjs/common';
import { RecallPacks } from '#libs/archive';
import { BlobStores } from '#libs/blobs';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, query, readSetting, writeSetting } from '#libs/database';
import { type Job, OnJob } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';

interface NewTask {
  workitemKey: number;
  /** Who began before it may commit after it. */
  isSettled: boolean;
  patientId: string | null;
  issuerOfPatientId: string | null;
}

const cursor = 'storage-priors-cursor';
const tasksPerRead = 500;
const settleSeconds = 60;

/**
 * Brings near the earlier studies of those for whom there is something new to do: a study that came and is to be read, or
 * a procedure step that somebody scheduled (UPS). What is near already, or on its way, is not ordered again.
 */
@Injectable()
export class PrefetchPriorsJob {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    private readonly recalls: RecallPacks,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @OnJob('prefetch-priors')
  async handle({ signal }: Pick<Job<'prefetch-priors'>, 'signal'>): Promise<void> {
    const ordered = await this.prefetch(signal);
    if (ordered > 0) this.logger.info({ packs: ordered }, 'earlier studies are brought near');
  }

  /** @returns how many packs were ordered back */
  async prefetch(signal: AbortSignal): Promise<number> {
    const { priorStudies } = this.config;
    if (priorStudies === 0 || this.stores.tiers.length < 2) return 0;
    const begin = await this.readCursor();
    let settled = begin;
    let after: number | undefined = begin;
    let ordered = 0;
    const seen = new Set<string>();
    while (after !== undefined) {
      signal.throwIfAborted();
      const tasks = await this.readTasks(after);
      for (const { workitemKey, isSettled, patientId, issuerOfPatientId } of tasks) {
        signal.throwIfAborted();
        if (isSettled) settled = Math.max(settled, workitemKey);
        const name = JSON.stringify([patientId, issuerOfPatientId]);
        if (patientId === null || patientId === '' || seen.has(name)) continue;
        seen.add(name);
        const patient = { patientId, ...(issuerOfPatientId !== null && { issuerOfPatientId }) };
        // The one to be read is among the latest, too, and is near.
        const studies = await this.recalls.recallPriors(patient, { studiesMax: priorStudies + 1 });
        ordered += studies.reduce((sum, { recalled }) => sum + recalled.ordered, 0);
      }
      after = tasks.length === tasksPerRead ? tasks.at(-1)!.workitemKey : undefined;
    }
    if (settled > begin) await writeSetting(this.dataSource, cursor, settled);
    return ordered;
  }

  private readTasks(after: number): Promise<NewTask[]> {
    return query<NewTask>(
      this.dataSource,
      `select w.workitem_key as "workitemKey", w.created_at < now() - $2::float8 * interval '1 second' as "isSettled",
              coalesce(st.patient_id, w.dataset #>> '{00100020,Value,0}') as "patientId",
              case when st.patient_id is not null then st.issuer_of_patient_id
                   else w.dataset #>> '{00100021,Value,0}' end as "issuerOfPatientId"
         from workitem w left join study st using (study_key)
        where w.workitem_key > $1 and w.kind in ('reading', 'other') and w.state = 'SCHEDULED'
        order by w.workitem_key limit $3`,
      [after, settleSeconds, tasksPerRead],
    );
  }

  /** The first time: what is there already was there before, and nobody waits for it since now. */
  private async readCursor(): Promise<number> {
    const begun = (await readSetting(this.dataSource, cursor)) as number | undefined;
    if (begun !== undefined) return begun;
    const [row] = await query<{ last: number }>(
      this.dataSource,
      `select coalesce(max(workitem_key), 0) as last from workitem where created_at < now() - interval '1 hour'`,
    );
    return row!.last;
  }
}
