import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { DataSource, notify, query, transaction, type Transaction } from '#libs/database';
import { uidFromHash } from '#libs/dicom';
import { JobQueue } from '#libs/jobs';
import { prioritiseStudy } from './prioritise-study.js';
import { ReadingError } from './reading-error.js';
import { readingTask } from './read-study.js';
import type { FindingReview } from './worklist-item.js';

export interface ReviewRequest {
  /** The AI task whose result it is about. */
  result: string;
  /** One of its findings by name; null: the result as a whole. */
  finding: string | null;
  verdict: FindingReview['verdict'];
  comment: string;
}

interface ReviewRow {
  review_id: string;
  finding: string | null;
  verdict: FindingReview['verdict'];
  comment: string;
  reader: string;
  created_at: Date;
  stored_at: Date | null;
  report_series_uid: string;
  report_sop_instance_uid: string;
}

/** A reader agrees or disagrees with what a model said. It is kept at once, and goes into the archive as a report. */
@Injectable()
export class ReviewFinding {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
  ) {}

  /**
   * Saying the same again changes nothing. A result that a reader refutes as a whole raises its study no more.
   * @throws ReadingError when there is no such task, result or finding
   */
  review(workitemUid: string, reader: string, request: ReviewRequest): Promise<FindingReview> {
    return transaction(this.dataSource, async (tx) => {
      const { studyInstanceUid } = await readingTask(tx, workitemUid);
      const studyKey = await checkResult(tx, studyInstanceUid, request);
      const last = await lastReview(tx, reader, request);
      if (last?.verdict === request.verdict && last.comment === request.comment) return toReview(last);
      const reviewId = randomUUID();
      const [row] = await query<ReviewRow>(
        tx,
        `insert into finding_review (review_id, study_instance_uid, workitem_uid, finding, verdict, comment, reader,
                                     report_series_uid, report_sop_instance_uid)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning *`,
        [
          reviewId,
          studyInstanceUid,
          request.result,
          request.finding,
          request.verdict,
          request.comment,
          reader,
          // One series for all that readers say of a study, one instance each.
          uidFromHash(`review-series|${studyInstanceUid}`),
          uidFromHash(`review-instance|${reviewId}`),
        ],
      );
      await this.jobs.send(tx, 'store-review', { reviewId });
      await prioritiseStudy(tx, studyKey);
      await notify(tx, 'worklist', studyInstanceUid);
      return toReview(row!);
    });
  }
}

/** @returns the key of the study */
async function checkResult(tx: Transaction, studyInstanceUid: string, request: ReviewRequest): Promise<number> {
  const [row] = await query<{ study_key: number; findings: { name: string }[] }>(
    tx,
    `select t.study_key, t.findings from result t join study s using (study_key)
      where t.workitem_uid = $1 and s.study_instance_uid = $2`,
    [request.result, studyInstanceUid],
  );
  if (row === undefined) throw new ReadingError('no-result', `The study has no result of the task ${request.result}.`);
  const names = row.findings.map(({ name }) => name);
  if (request.finding !== null && !names.includes(request.finding)) {
    throw new ReadingError(
      'no-finding',
      `The result has no finding of that name; it has ${names.join(', ') || 'none'}.`,
    );
  }
  return row.study_key;
}

async function lastReview(tx: Transaction, reader: string, request: ReviewRequest): Promise<ReviewRow | undefined> {
  const [row] = await query<ReviewRow>(
    tx,
    `select * from finding_review
      where workitem_uid = $1 and finding is not distinct from $2 and reader = $3 order by review_key desc limit 1`,
    [request.result, request.finding, reader],
  );
  return row;
}

function toReview(row: ReviewRow): FindingReview {
  return {
    finding: row.finding,
    verdict: row.verdict,
    comment: row.comment,
    reader: row.reader,
    at: row.created_at.toISOString(),
    report:
      row.stored_at === null
        ? null
        : { seriesInstanceUid: row.report_series_uid, sopInstanceUid: row.report_sop_instance_uid },
  };
}
