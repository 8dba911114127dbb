import { Injectable } from '@nestjs/common';
import { DataSource, notify, query, type Transaction, transaction } from '#libs/database';
import { type Job, JobQueue, OnJob } from '#libs/jobs';
import type { Priority } from '#libs/workitems';
import { tellWebhooks } from '../webhooks/tell-webhooks.js';

const batchSize = 100;
/** The clock starts this job each minute; one that is due before its next turn is waited for. */
const aheadSeconds = 60;

interface DueRow {
  study_instance_uid: string;
  accession_number: string | null;
  workitem_uid: string;
  state: string;
  performer: string | null;
  priority: Priority;
  specialty: string | null;
  deadline: Date;
  arrived_at: Date;
  /** It was not told of this deadline before. */
  is_first: boolean;
}

/**
 * Tells of readings whose deadline nears: the open lists, the study's timeline, and the webhooks that asked. Once for each
 * deadline, whatever is killed in between: what was told is a row of the same transaction.
 */
@Injectable()
export class EscalateReadingsJob {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
  ) {}

  @OnJob('escalate-readings')
  async handle({ signal }: Pick<Job<'escalate-readings'>, 'signal'>): Promise<void> {
    for (let isMore = true; isMore;) {
      signal.throwIfAborted();
      isMore = (await transaction(this.dataSource, (tx) => this.escalateSome(tx))) === batchSize;
    }
    await this.waitForNext();
  }

  private async escalateSome(tx: Transaction): Promise<number> {
    const due = await query<DueRow>(
      tx,
      `with due as (
         select study_key from worklist_entry where escalate_at <= clock_timestamp()
          order by escalate_at limit $1 for update skip locked),
       marked as (
         update worklist_entry e set escalate_at = null from due
          where e.study_key = due.study_key and e.deadline is not null returning e.*),
       first as (
         insert into escalation (workitem_uid, deadline) select workitem_uid, deadline from marked
             on conflict do nothing returning workitem_uid)
       select s.study_instance_uid, s.accession_number, m.workitem_uid, m.state, m.performer, m.priority, m.specialty,
              m.deadline, m.arrived_at, m.workitem_uid in (select workitem_uid from first) as is_first
         from marked m join study s using (study_key)`,
      [batchSize],
    );
    for (const row of due) if (row.is_first) await this.escalate(tx, row);
    return due.length;
  }

  private async escalate(tx: Transaction, row: DueRow): Promise<void> {
    const deadline = row.deadline.toISOString();
    await query(tx, `insert into study_event (study_instance_uid, kind, detail) values ($1, 'escalated', $2)`, [
      row.study_instance_uid,
      JSON.stringify({ deadline, priority: row.priority }),
    ]);
    await tellWebhooks(tx, this.jobs, {
      type: 'escalation',
      key: `${row.workitem_uid} ${deadline}`,
      specialty: row.specialty,
      data: {
        studyInstanceUid: row.study_instance_uid,
        accessionNumber: row.accession_number,
        workitemUid: row.workitem_uid,
        specialty: row.specialty,
        priority: row.priority,
        state: row.state,
        reader: row.performer,
        receivedAt: row.arrived_at.toISOString(),
        deadline,
      },
    });
    await notify(tx, 'worklist', `escalation ${row.study_instance_uid}`);
  }

  private async waitForNext(): Promise<void> {
    await transaction(this.dataSource, async (tx) => {
      const [next] = await query<{ seconds: number | null }>(
        tx,
        `select extract(epoch from min(escalate_at) - clock_timestamp())::float8 as seconds from worklist_entry`,
      );
      const seconds = next?.seconds ?? null;
      if (seconds === null || seconds > aheadSeconds) return;
      await this.jobs.send(
        tx,
        'escalate-readings',
        { isLater: true },
        { startAfterSeconds: Math.max(Math.ceil(seconds), 1) },
      );
    });
  }
}
