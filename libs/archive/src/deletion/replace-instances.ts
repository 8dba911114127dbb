import { randomUUID } from 'node:crypto';
import { execute, query, type Transaction } from '#libs/database';
import { completeDeletion, insertDeletion } from './delete-instances.js';
import { moveInstances, recountSeries, recountStudy, removeEmptySeries } from './move-instances.js';
import type { ReceivedInstance } from '../store/receive-part.js';

/** What was replaced, until the new versions have their rows. */
export interface Replaced {
  deletionId: string;
  studyKey: number;
  seriesKeys: number[];
}

/**
 * Takes the versions that are here out of the way of newer ones of the same study: kept like what was deleted, for as
 * long. Series and study stay, for what is about to come; what is left without an instance says of itself what the first
 * of the new ones says.
 */
export async function moveReplaced(
  tx: Transaction,
  replacing: readonly ReceivedInstance[],
  graceHours: number,
): Promise<Replaced[]> {
  const moved: Replaced[] = [];
  for (const studyInstanceUid of new Set(replacing.map((instance) => instance.studyInstanceUid))) {
    const ofStudy = replacing.filter((instance) => instance.studyInstanceUid === studyInstanceUid);
    const only = ofStudy.length === 1 ? ofStudy[0] : undefined;
    const deletionId = randomUUID();
    const rows = await query<{ instance_key: number; study_key: number; series_instance_uid: string }>(
      tx,
      `select i.instance_key, i.study_key, se.series_instance_uid
         from instance i join series se using (series_key) where i.sop_instance_uid = any($1)`,
      [ofStudy.map((instance) => instance.sopInstanceUid)],
    );
    const { study_key: studyKey, series_instance_uid: seriesInstanceUid } = rows[0]!;
    await insertDeletion(
      tx,
      {
        deletionId,
        cause: 'replaced',
        level: 'instance',
        studyInstanceUid,
        ...(only !== undefined && { seriesInstanceUid, sopInstanceUid: only.sopInstanceUid }),
      },
      graceHours,
    );
    const { seriesKeys } = await moveInstances(
      tx,
      deletionId,
      studyKey,
      rows.map((row) => row.instance_key),
    );
    await recountSeries(tx, seriesKeys);
    await recountStudy(tx, studyKey);
    moved.push({ deletionId, studyKey, seriesKeys });
  }
  await reviseEmptied(tx, replacing);
  return moved;
}

/** Once the new versions have their rows: a series they have all left goes. */
export async function completeReplaced(tx: Transaction, replaced: readonly Replaced[]): Promise<void> {
  for (const { deletionId, studyKey, seriesKeys } of replaced) {
    if ((await removeEmptySeries(tx, seriesKeys)) > 0) await recountStudy(tx, studyKey);
    await completeDeletion(tx, deletionId, { takesStudy: false, takesSeries: false });
  }
}

async function reviseEmptied(tx: Transaction, replacing: readonly ReceivedInstance[]): Promise<void> {
  const [first] = replacing;
  if (first === undefined) return;
  // The last of several rows for one study would win: the first instance's word is the one that counts.
  const studies = new Map(replacing.toReversed().map((one) => [one.studyInstanceUid, one]));
  const series = new Map(replacing.toReversed().map((one) => [one.seriesInstanceUid, one]));
  await execute(
    tx,
    `update study st set ${assignments(first.study)}
       from json_populate_recordset(null::study, $1::json) r
      where st.study_instance_uid = r.study_instance_uid and st.number_of_instances = 0`,
    [JSON.stringify([...studies].map(([uid, one]) => ({ study_instance_uid: uid, ...one.study })))],
  );
  await execute(
    tx,
    `update series se set ${assignments(first.series)}
       from json_populate_recordset(null::series, $1::json) r
       join study st on st.study_instance_uid = any($2)
      where se.study_key = st.study_key and se.series_instance_uid = r.series_instance_uid
        and se.number_of_instances = 0`,
    [
      JSON.stringify([...series].map(([uid, one]) => ({ series_instance_uid: uid, ...one.series }))),
      [...studies.keys()],
    ],
  );
}

/** Of the columns a dataset decides, by the names they have in the code. */
const assignments = (columns: object) =>
  Object.keys(columns)
    .map((column) => `${column} = r.${column}`)
    .join(', ');
