import { createHash } from 'node:crypto';
import { type DataSource, query } from '#libs/database';
import { type PackWithCopies, readPack } from './copies.js';

/** An instance, and which bytes of which pack it is. */
export interface PlacedInstance {
  instanceKey: number;
  packId: string;
  offset: number;
  length: number;
  sha256: Buffer;
}

/** Which bytes of which packs lie one behind the other in a copy. */
export interface CopiedLayout {
  instances: Pick<PlacedInstance, 'packId' | 'offset' | 'length'>[];
  packs: ReadonlyMap<string, Pick<PackWithCopies, 'copies'>>;
  bytes: number;
}

export interface SeriesLayout extends CopiedLayout {
  /** By instance number: the order in which they will lie. */
  instances: PlacedInstance[];
  packs: ReadonlyMap<string, PackWithCopies>;
  /** The same while nothing came, went or moved. */
  digest: Buffer;
  /** The one pack that holds the series, all of it and nothing else. */
  wholePackId: string | undefined;
}

/** Where a series lies now. @returns undefined when it is not here (any more) */
export async function readSeries(
  db: DataSource,
  studyInstanceUid: string,
  seriesInstanceUid: string,
): Promise<SeriesLayout | undefined> {
  const instances = await query<PlacedInstance>(
    db,
    `select i.instance_key as "instanceKey", i.pack_id as "packId", i.pack_offset as offset, i.length, i.sha256
       from instance i join series se using (series_key) join study st on st.study_key = i.study_key
      where st.study_instance_uid = $1 and se.series_instance_uid = $2
      order by i.instance_number nulls last, i.instance_key`,
    [studyInstanceUid, seriesInstanceUid],
  );
  if (instances.length === 0) return undefined;
  const packs = new Map<string, PackWithCopies>();
  for (const packId of new Set(instances.map((instance) => instance.packId))) {
    const pack = await readPack(db, packId);
    if (pack !== undefined) packs.set(packId, pack);
  }
  const bytes = instances.reduce((sum, { length }) => sum + length, 0);
  const [only] = packs.values();
  return {
    instances,
    packs,
    bytes,
    digest: digestOf(instances),
    // Instances do not overlap: when their bytes are as many as the pack's, there is nothing else in it.
    wholePackId: packs.size === 1 && (only!.originalBytes ?? only!.bytes) === bytes ? only!.packId : undefined,
  };
}

function digestOf(instances: PlacedInstance[]): Buffer {
  const hash = createHash('sha256');
  for (const { instanceKey, packId, offset, length } of instances) {
    hash.update(`${instanceKey}:${packId}:${offset}:${length};`);
  }
  return hash.digest();
}
