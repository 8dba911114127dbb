import { execute, query, queryPreparedIn, type Transaction } from '#libs/database';
import type { Notice } from './completeness.js';

/** What a sender may add to its word that a study is complete: how much there is, in case some of it is still under way. */
export interface ExpectedCounts {
  numberOfSeries?: number | undefined;
  numberOfInstances?: number | undefined;
}

/** The sender's latest word counts. */
export async function saveSenderNotice(
  tx: Transaction,
  studyInstanceUid: string,
  { numberOfSeries, numberOfInstances }: ExpectedCounts,
): Promise<void> {
  await execute(tx, `delete from study_notice where study_instance_uid = $1 and kind = 'sender'`, [studyInstanceUid]);
  await query(
    tx,
    `insert into study_notice (study_instance_uid, kind, expected_series, expected_instances) values ($1, 'sender', $2, $3)`,
    [studyInstanceUid, numberOfSeries ?? null, numberOfInstances ?? null],
  );
}

/** A procedure step that made (part of) a study has ended. @param sopInstanceUids what it says it made; empty: it names none */
export async function saveProcedureStepNotice(
  tx: Transaction,
  studyInstanceUid: string,
  workitemUid: string,
  sopInstanceUids: readonly string[],
): Promise<void> {
  await query(
    tx,
    `insert into study_notice (study_instance_uid, kind, workitem_uid, sop_instance_uids)
     values ($1, 'procedure-step', $2, $3)`,
    [studyInstanceUid, workitemUid, sopInstanceUids.length === 0 ? null : sopInstanceUids],
  );
}

/** Of many studies, by their UIDs: one statement. */
export async function readNotices(
  tx: Transaction,
  studyInstanceUids: readonly string[],
): Promise<Map<string, Notice[]>> {
  const rows = await queryPreparedIn<{
    study_instance_uid: string;
    kind: Notice['kind'];
    expected_series: number | null;
    expected_instances: number | null;
    named: number | null;
    missing: number | null;
    seconds_ago: number;
  }>(
    tx,
    'routing-notices',
    `select n.study_instance_uid, n.kind, n.expected_series, n.expected_instances,
            cardinality(n.sop_instance_uids) as named,
            case when n.sop_instance_uids is not null then (
              select count(*)::integer from unnest(n.sop_instance_uids) as u (uid)
               where not exists (select from instance i where i.sop_instance_uid = u.uid)) end as missing,
            extract(epoch from clock_timestamp() - n.created_at)::float8 as seconds_ago
       from study_notice n where n.study_instance_uid = any($1) order by n.notice_key`,
    [studyInstanceUids],
  );
  const notices = rows.map((row) => ({
    studyInstanceUid: row.study_instance_uid,
    kind: row.kind,
    secondsAgo: row.seconds_ago,
    expectedSeries: row.expected_series ?? undefined,
    expectedInstances: row.expected_instances ?? undefined,
    missingInstances: row.missing ?? undefined,
    namedInstances: row.named ?? undefined,
  }));
  return Map.groupBy(notices, ({ studyInstanceUid }) => studyInstanceUid);
}
