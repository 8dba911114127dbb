import { Injectable } from '@nestjs/common';
import { DataSource, query, transaction } from '#libs/database';
import { JobQueue } from '#libs/jobs';
import type { Priority, ReadingWorkitem } from '#libs/workitems';
import { raiseTasks } from '../workitems/rank-tasks.js';
import { prioritiseStudy } from './prioritise-study.js';
import { ReadingError } from './reading-error.js';
import { readingTask, refused } from './read-study.js';

/** A reader's own judgement of how urgent a study is, with the reason; every one is kept. */
@Injectable()
export class ChangePriority {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
  ) {}

  /**
   * @param to null: what the order, the rules and the models say holds again. What a model says later can raise the study
   * above what a reader set; nothing but a reader lowers it
   * @throws ReadingError when there is no such task, or it is over
   */
  change(workitemUid: string, reader: string, to: Priority | null, reason: string): Promise<ReadingWorkitem> {
    return transaction(this.dataSource, async (tx) => {
      const before = await readingTask(tx, workitemUid);
      const [open] = await query<{ study_key: number }>(
        tx,
        `select study_key from workitem
          where workitem_uid = $1 and state in ('SCHEDULED', 'IN PROGRESS') and study_key is not null for update`,
        [workitemUid],
      );
      if (open === undefined) throw overOf(before);
      await query(
        tx,
        `insert into priority_change (workitem_uid, reader, from_priority, to_priority, reason) values ($1, $2, $3, $4, $5)`,
        [workitemUid, reader, before.priority, to, reason],
      );
      if (await prioritiseStudy(tx, open.study_key)) await raiseTasks(this.jobs, tx, open.study_key);
      // What becomes urgent now may be late already.
      await this.jobs.send(tx, 'escalate-readings', {});
      return readingTask(tx, workitemUid);
    });
  }
}

function overOf(workitem: ReadingWorkitem): ReadingError {
  const isOver = workitem.state === 'COMPLETED' || workitem.state === 'CANCELED';
  return isOver ? refused(workitem) : new ReadingError('no-reading-task', `The study of ${workitem.uid} is gone.`);
}
