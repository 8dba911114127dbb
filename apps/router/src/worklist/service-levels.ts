import { DataSource, execute, query, type Transaction, transaction } from '#libs/database';
import { Injectable } from '@nestjs/common';
import { type Job, JobQueue, OnJob } from '#libs/jobs';
import type { Priority } from '#libs/workitems';
import { prioritiseStudy } from './prioritise-study.js';

/** Within how long studies are read, and how long before that it is told that they are not. */
export interface ServiceLevel {
  /** '*': every specialty without a level of its own for the priority. */
  specialty: string;
  priority: Priority;
  readWithinMinutes: number;
  escalateBeforeMinutes: number;
  updatedBy: string | null;
  updatedAt: string;
}

const batchSize = 200;

/** The service levels, and the open readings' deadlines that follow them. */
@Injectable()
export class ServiceLevels {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
  ) {}

  async list(): Promise<ServiceLevel[]> {
    const rows = await query<{
      specialty: string;
      priority: Priority;
      read_within_minutes: number;
      escalate_before_minutes: number;
      updated_by: string | null;
      updated_at: Date;
    }>(
      this.dataSource,
      `select specialty, priority, read_within_minutes, escalate_before_minutes, updated_by, updated_at
         from service_level
        order by specialty <> '*', specialty, array_position(array['HIGH', 'MEDIUM', 'LOW'], priority)`,
    );
    return rows.map((row) => ({
      specialty: row.specialty,
      priority: row.priority,
      readWithinMinutes: row.read_within_minutes,
      escalateBeforeMinutes: row.escalate_before_minutes,
      updatedBy: row.updated_by,
      updatedAt: row.updated_at.toISOString(),
    }));
  }

  /** Sets one, new or not; the open readings it is about get their new deadlines at once, by a job. */
  async set(level: Omit<ServiceLevel, 'updatedAt'>): Promise<void> {
    await transaction(this.dataSource, async (tx) => {
      await query(
        tx,
        `insert into service_level as l (specialty, priority, read_within_minutes, escalate_before_minutes, updated_by)
         values ($1, $2, $3, $4, $5)
         on conflict (specialty, priority) do update
           set read_within_minutes = $3, escalate_before_minutes = $4, updated_by = $5, updated_at = now()`,
        [level.specialty, level.priority, level.readWithinMinutes, level.escalateBeforeMinutes, level.updatedBy],
      );
      await this.jobs.send(tx, 'apply-service-levels', {});
    });
  }

  /** @returns false: there was none. Those of '*' stay: something must hold for every study */
  async remove(specialty: string, priority: Priority): Promise<boolean> {
    return transaction(this.dataSource, async (tx) => {
      const removed = await execute(
        tx,
        `delete from service_level where specialty = $1 and priority = $2 and specialty <> '*'`,
        [specialty, priority],
      );
      if (removed > 0) await this.jobs.send(tx, 'apply-service-levels', {});
      return removed > 0;
    });
  }

  /** Batch by batch, each a transaction: readers go on meanwhile, and what is cut is done again without harm. */
  @OnJob('apply-service-levels')
  async apply({ signal }: Pick<Job<'apply-service-levels'>, 'signal'>): Promise<void> {
    for (let after = 0; ;) {
      signal.throwIfAborted();
      const keys = await query<{ study_key: number }>(
        this.dataSource,
        `select study_key from worklist_entry where rank < 3 and study_key > $1 order by study_key limit $2`,
        [after, batchSize],
      );
      await transaction(this.dataSource, (tx) =>
        follow(
          tx,
          keys.map((row) => row.study_key),
        ),
      );
      if (keys.length < batchSize) break;
      after = keys.at(-1)!.study_key;
    }
    await transaction(this.dataSource, (tx) => this.jobs.send(tx, 'escalate-readings', {}));
  }
}

async function follow(tx: Transaction, studyKeys: readonly number[]): Promise<void> {
  for (const studyKey of studyKeys) await prioritiseStudy(tx, studyKey);
  // Where the deadline stayed and only the warning moves; what was told of this deadline is not told again.
  await execute(
    tx,
    `update worklist_entry e set escalate_at = worklist_escalate_at(e.specialty, e.priority, e.deadline)
      where e.study_key = any($1) and e.rank < 3 and e.deadline is not null
        and e.escalate_at is distinct from worklist_escalate_at(e.specialty, e.priority, e.deadline)
        and not exists (select from escalation x where x.workitem_uid = e.workitem_uid and x.deadline = e.deadline)`,
    [studyKeys],
  );
}
