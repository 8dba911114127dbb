import { type DataSource, notifyAll, queryPrepared, queryPreparedIn, type Transaction } from '#libs/database';
import { contradictions, type identity } from './contradictions.js';
import type { StudyColumns } from './index-rows.js';
import type { ReceivedInstance } from './receive-part.js';
import type { Origin } from './store-outcome.js';

export interface PackRow {
  packId: string;
  bytes: number;
  sha256: Buffer;
  store: string;
  key: string;
}

/** A pack none of whose instances is thought to be here. */
export interface NewPack {
  pack: PackRow;
  instances: ReceivedInstance[];
}

type StudyIdentity = Pick<StudyColumns, (typeof identity)[number]> & { study_instance_uid: string };

const statement = {
  name: 'store_packs',
  sql: 'select * from store_packs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
};

/**
 * Writes all rows of packs that senders brought, and what tells the router of them, in one statement, which is its own
 * transaction (see the migration that makes it).
 * @param packs no SOP Instance UID is in two of them
 * @returns SOP Instance UIDs of those that say something else of their patient or study than its first instance did;
 * undefined when one of the instances is here already: then nothing was written
 */
export async function indexNewPacks(
  dataSource: DataSource,
  packs: readonly NewPack[],
): Promise<Set<string> | undefined> {
  const kept = await queryPrepared<StudyIdentity>(
    dataSource,
    statement.name,
    statement.sql,
    parameters(packs, [], true),
  );
  return kept.length === 0 ? undefined : contradictions(instancesOf(packs), kept);
}

/**
 * The same in a transaction that holds the studies' locks and knows that the instances are new.
 * @param replaced SOP Instance UIDs of those that are new versions of what was here
 * @throws what is worth another try when another study's writer was faster with a SOP Instance UID
 */
export async function indexNewPack(
  tx: Transaction,
  pack: NewPack,
  origin: Origin,
  replaced: readonly string[] = [],
): Promise<Set<string>> {
  const kept = await queryPreparedIn<StudyIdentity>(
    tx,
    statement.name,
    statement.sql,
    parameters([pack], replaced, origin === 'sender'),
  );
  if (kept.length === 0) throw new StoredMeanwhileError();
  await notifyAll(
    tx,
    'worklist',
    kept.map((study) => study.study_instance_uid),
  );
  return contradictions(pack.instances, kept);
}

/** As PostgreSQL's own refusal of the same: a unique constraint was violated. */
class StoredMeanwhileError extends Error {
  readonly code = '23505';

  constructor() {
    super('Another request stored one of the instances meanwhile');
  }
}

const instancesOf = (packs: readonly NewPack[]) => packs.flatMap((one) => one.instances);

function parameters(packs: readonly NewPack[], replaced: readonly string[], isAnnounced: boolean): unknown[] {
  const placed = packs.flatMap(({ pack, instances }) => instances.map((instance) => ({ pack, instance })));
  placed.sort((a, b) => (a.instance.sopInstanceUid < b.instance.sopInstanceUid ? -1 : 1));
  const instances = instancesOf(packs);
  return [
    distinct(instances.map((instance) => instance.studyInstanceUid)),
    JSON.stringify(packs.map(({ pack }) => packRow(pack))),
    JSON.stringify(studyRows(instances)),
    JSON.stringify(seriesRows(instances)),
    JSON.stringify(placed.map(({ pack, instance }) => ({ pack_id: pack.packId, ...instanceRow(instance) }))),
    placed.map(({ instance }) => instance.sopInstanceUid),
    placed.map(({ instance }) => instance.sha256),
    placed.map(({ instance }) => instance.datasetSha256),
    placed.map(({ instance: { frames } }) => (frames.kind === 'encapsulated' ? frames.entries : null)),
    replaced,
    isAnnounced,
    placed.map(({ instance }) => instance.instance.dicom_json).join(textSeparator),
  ];
}

/** Of the texts of JSON that go together: JSON has no control character but escaped. */
const textSeparator = '\x1e';

function packRow({ packId, bytes, sha256, store, key }: PackRow) {
  return { pack_id: packId, bytes, sha256: sha256.toString('hex'), store, key };
}

function studyRows(instances: ReceivedInstance[]) {
  const ofStudy = grouped(instances, (one) => one.studyInstanceUid);
  return [...ofStudy.values()].map((all) => {
    const [first] = all as [ReceivedInstance, ...ReceivedInstance[]];
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
  const ofSeries = grouped(instances, (one) => `${one.studyInstanceUid} ${one.seriesInstanceUid}`);
  return [...ofSeries.values()].map((all) => {
    const [first] = all as [ReceivedInstance, ...ReceivedInstance[]];
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

function instanceRow({ frames, ...instance }: ReceivedInstance) {
  const { dicom_json: _beside, ...columns } = instance.instance;
  const native = frames.kind === 'native' ? frames : undefined;
  return {
    study_instance_uid: instance.studyInstanceUid,
    series_instance_uid: instance.seriesInstanceUid,
    sop_instance_uid: instance.sopInstanceUid,
    sop_class_uid: instance.sopClassUid,
    transfer_syntax_uid: instance.transferSyntaxUid,
    pack_offset: instance.offset,
    length: instance.bytes,
    frame_kind: frames.kind,
    pixel_data_offset: native?.pixelDataOffset,
    pixel_data_length: native?.pixelDataLength,
    frame_bits: native?.frameBits,
    ...columns,
  };
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
