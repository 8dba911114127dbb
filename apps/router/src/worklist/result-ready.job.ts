import { Injectable } from '@nestjs/common';
import { DataSource, queryPreparedIn, type Transaction, transaction } from '#libs/database';
import { type Job, JobQueue, OnJob } from '#libs/jobs';
import { tellWebhooks } from '../webhooks/tell-webhooks.js';
import { raiseTasks } from '../workitems/rank-tasks.js';
import { prioritiseStudy } from './prioritise-study.js';

/** A model's result was stored: the study may have become more urgent, and the worklist shows it. */
@Injectable()
export class ResultReadyJob {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
  ) {}

  @OnJob('result-ready')
  async handle({ payload }: Job<'result-ready'>): Promise<void> {
    await transaction(this.dataSource, async (tx) => {
      const [study] = await queryPreparedIn<{ study_key: number | null }>(
        tx,
        'study of a result',
        // A result after the reading was finished changes no priority, but it is shown. Prioritising tells the worklist, too: at
        // commit that is one notification.
        `select s.study_key, case when s.study_key is not null then pg_notify('isocenter_worklist', s.study_instance_uid) end
           from workitem w left join study s using (study_key) where w.workitem_uid = $1`,
        [payload.workitemUid],
      );
      if (study === undefined) throw new Error(`Workitem ${payload.workitemUid} does not exist`);
      // Deleted since: nobody reads it any more, and should it come back, it is prioritised anew.
      if (study.study_key === null) return;
      if (await prioritiseStudy(tx, study.study_key)) await raiseTasks(this.jobs, tx, study.study_key);
      await this.tell(tx, payload.workitemUid);
    });
  }

  /** Once for each result, though this job may run twice: its task is the key. */
  private async tell(tx: Transaction, workitemUid: string): Promise<void> {
    const [result] = await queryPreparedIn<ResultRow>(
      tx,
      'result to tell',
      `select s.study_instance_uid, s.accession_number, r.specialty, t.model_id, t.model_version, t.outcome, t.summary,
              t.findings, t.report_series_uid, t.report_sop_instance_uid, e.priority, e.ai_state, t.finished_at
         from result t join study s using (study_key) left join study_routing r using (study_key)
         left join worklist_entry e using (study_key)
        where t.workitem_uid = $1`,
      [workitemUid],
    );
    if (result === undefined) return;
    await tellWebhooks(tx, this.jobs, {
      type: 'result',
      key: workitemUid,
      specialty: result.specialty,
      data: {
        studyInstanceUid: result.study_instance_uid,
        accessionNumber: result.accession_number,
        workitemUid,
        specialty: result.specialty,
        priority: result.priority,
        aiState: result.ai_state,
        model: result.model_id,
        version: result.model_version,
        outcome: result.outcome,
        summary: result.summary,
        findings: result.findings,
        report: { seriesInstanceUid: result.report_series_uid, sopInstanceUid: result.report_sop_instance_uid },
        finishedAt: result.finished_at.toISOString(),
      },
    });
  }
}

interface ResultRow {
  study_instance_uid: string;
  accession_number: string | null;
  specialty: string | null;
  model_id: string;
  model_version: string;
  outcome: string;
  summary: string;
  findings: unknown;
  report_series_uid: string;
  report_sop_instance_uid: string;
  priority: string | null;
  ai_state: string | null;
  finished_at: Date;
}
