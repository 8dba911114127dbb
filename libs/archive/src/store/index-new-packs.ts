import { type DataSource, queryPrepared } from '#libs/database';
import { studyArrivedJobs } from '#libs/jobs';
import { contradictions, firstOfEach, identity, instanceRow, type PackRow } from './index-instances.js';
import type { StudyColumns } from './index-rows.js';
import type { ReceivedInstance } from './receive-part.js';

/** A pack of a sender, none of whose instances is thought to be here. */
export interface NewPack {
  pack: PackRow;
  instances: ReceivedInstance[];
}

type StudyIdentity = Pick<StudyColumns, (typeof identity)[number]> & { study_instance_uid: string };

/**
 * Writes all rows of packs that bring new instances only, and the jobs that go with them, in one statement, which is its
 * own transaction (see the migration that makes it).
 * @param packs no SOP Instance UID is in two of them
 * @returns SOP Instance UIDs of those that say something else of their patient or study than its first instance did;
 * undefined when one of the instances is here already: then nothing was written
 */
export async function indexNewPacks(
  dataSource: DataSource,
  packs: readonly NewPack[],
): Promise<Set<string> | undefined> {
  const placed = packs.flatMap(({ pack, instances }) => instances.map((instance) => ({ pack, instance })));
  placed.sort((a, b) => (a.instance.sopInstanceUid < b.instance.sopInstanceUid ? -1 : 1));
  const instances = packs.flatMap((one) => one.instances);
  const studyInstanceUids = [...new Set(instances.map((instance) => instance.studyInstanceUid))].sort();
  const kept = await queryPrepared<StudyIdentity>(
    dataSource,
    'store_packs',
    'select * from store_packs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
    [
      studyInstanceUids,
      JSON.stringify(packs.map(({ pack }) => packRow(pack))),
      JSON.stringify(studyRows(instances)),
      JSON.stringify(seriesRows(instances)),
      JSON.stringify(placed.map(({ pack, instance }) => ({ pack_id: pack.packId, ...instanceRow(instance) }))),
      placed.map(({ instance }) => instance.sopInstanceUid),
      placed.map(({ instance }) => instance.sha256),
      placed.map(({ instance }) => Buffer.from(instance.datasetSha256, 'hex')),
      placed.map(({ instance: { frames } }) => (frames.kind === 'encapsulated' ? frames.entries : null)),
      studyArrivedJobs(studyInstanceUids),
    ],
  );
  if (kept.length === 0) return undefined;
  return contradictions(instances, kept);
}

function packRow({ packId, bytes, sha256, store, key }: PackRow) {
  return { pack_id: packId, bytes, sha256: sha256.toString('hex'), store, key };
}

function studyRows(instances: ReceivedInstance[]) {
  const ofStudy = grouped(instances, (one) => one.studyInstanceUid);
  return firstOfEach(instances, (one) => one.studyInstanceUid).map((first) => {
    const all = ofStudy.get(first.studyInstanceUid)!;
    return {
      study_instance_uid: first.studyInstanceUid,
      ...first.study,
      instances: all.length,
      bytes: all.reduce((sum, one) => sum + one.bytes, 0),
      sop_classes: distinct(all.map((one) => one.sopClassUid)),
    };
  });
}

function seriesRows(instances: ReceivedInstance[]) {
  const keyOf = (one: ReceivedInstance) => `${one.studyInstanceUid} ${one.seriesInstanceUid}`;
  const ofSeries = grouped(instances, keyOf);
  return firstOfEach(instances, keyOf).map((first) => {
    const all = ofSeries.get(keyOf(first))!;
    return {
      study_instance_uid: first.studyInstanceUid,
      series_instance_uid: first.seriesInstanceUid,
      ...first.series,
      instances: all.length,
      sop_classes: distinct(all.map((one) => one.sopClassUid)),
      transfer_syntaxes: distinct(all.map((one) => one.transferSyntaxUid)),
    };
  });
}

const distinct = (values: string[]) => [...new Set(values)].sort();

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
