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
      const [study] = await query<{ study_key: number; study_instance_uid: string }>(
        tx,
        'select w.study_key, s.study_instance_uid from workitem w join study s using (study_key) where w.workitem_uid = $1',
        [payload.workitemUid],
      );
      // Deleted since: nobody reads it any more, and should it come back, it is prioritised anew.
      if (study === undefined) return;
      await prioritiseStudy(tx, study.study_key);
      // A result after the reading was finished changes no priority, but it is shown.
      await notify(tx, 'worklist', study.study_instance_uid);
    });
  }
}
