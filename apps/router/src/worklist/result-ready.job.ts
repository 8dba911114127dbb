import { Injectable } from '@nestjs/common';
import { DataSource, notify, query, transaction } from '#libs/database';
import { type Job, OnJob } from '#libs/jobs';
import { prioritiseStudy } from './prioritise-study.js';

/** A model's result was stored: the study may have become more urgent, and the worklist shows it. */
@Injectable()
export class ResultReadyJob {
  constructor(private readonly dataSource: DataSource) {}

  @OnJob('result-ready')
  async handle({ payload }: Job<'result-ready'>): Promise<void> {
    await transaction(this.dataSource, async (tx) => {
      const [study] = await query<{ study_key: number | null; study_instance_uid: string }>(
        tx,
        'select s.study_key, s.study_instance_uid from workitem w left join study s using (study_key) where w.workitem_uid = $1',
        [payload.workitemUid],
      );
      if (study === undefined) throw new Error(`Workitem ${payload.workitemUid} does not exist`);
      // Deleted since: nobody reads it any more, and should it come back, it is prioritised anew.
      if (study.study_key === null) return;
      await prioritiseStudy(tx, study.study_key);
      // A result after the reading was finished changes no priority, but it is shown.
      await notify(tx, 'worklist', study.study_instance_uid);
    });
  }
}
