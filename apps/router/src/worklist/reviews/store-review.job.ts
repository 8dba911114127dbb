import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, execute, notify, query, transaction } from '#libs/database';
import type { DicomJson } from '#libs/dicom';
import { type Job, OnJob } from '#libs/jobs';
import { buildReviewReport, type Review } from './build-review-report.js';
import type { Code } from '#libs/reports';
import { storeReport } from './store-report.js';

/** A report is read whole; a larger one is none of a model's. */
const resultCharactersMax = 4 * 1024 ** 2;

interface ReviewRow {
  review_key: number;
  study_instance_uid: string;
  finding: string | null;
  verdict: Review['verdict'];
  comment: string;
  reader: string;
  created_at: Date;
  report_series_uid: string;
  report_sop_instance_uid: string;
  model_id: string;
  model_version: string;
  findings: { name: string; code: Code }[];
  text: string | null;
}

/** Puts a reader's word into the archive as a report. Until it is there, why not is shown with the review. */
@Injectable()
export class StoreReviewJob {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @OnJob('store-review')
  async handle({ payload: { reviewId }, signal }: Pick<Job<'store-review'>, 'payload' | 'signal'>): Promise<void> {
    const [row] = await query<ReviewRow>(
      this.dataSource,
      `select v.*, t.model_id, t.model_version, t.findings,
              (select case when length(i.dicom_json) <= $2 then i.dicom_json end from instance i
                where i.sop_instance_uid = t.report_sop_instance_uid) as text
         from finding_review v join result t on t.workitem_uid = v.workitem_uid
        where v.review_id = $1 and v.stored_at is null`,
      [reviewId, resultCharactersMax],
    );
    if (row === undefined) return;
    try {
      if (row.text === null) throw new Error('The report of the result is not in the archive.');
      const report = buildReviewReport(toReview(row), JSON.parse(row.text) as DicomJson);
      await storeReport(this.config.dicomwebUrl ?? '', this.config.apiToken, report, signal);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      await execute(this.dataSource, 'update finding_review set problem = $2 where review_id = $1', [
        reviewId,
        problem,
      ]);
      throw error;
    }
    await transaction(this.dataSource, async (tx) => {
      await execute(
        tx,
        'update finding_review set stored_at = clock_timestamp(), problem = null where review_id = $1',
        [reviewId],
      );
      await notify(tx, 'worklist', row.study_instance_uid);
    });
  }
}

function toReview(row: ReviewRow): Review {
  return {
    reader: row.reader,
    verdict: row.verdict,
    comment: row.comment,
    at: row.created_at,
    finding: row.findings.find(({ name }) => name === row.finding)?.code,
    model: `${row.model_id} ${row.model_version}`,
    studyInstanceUid: row.study_instance_uid,
    seriesInstanceUid: row.report_series_uid,
    sopInstanceUid: row.report_sop_instance_uid,
    instanceNumber: row.review_key,
  };
}
