import { randomUUID } from 'node:crypto';
import type { PackPart } from '#libs/archive';
import { execute, query, type Transaction } from '#libs/database';
import type { ExpectedBytes } from './expected-bytes.js';
import type { KeptPreview } from './keep-previews.js';
import type { PlacedInstance, SeriesLayout } from './read-series.js';
import type { Recompression, Tier } from './tiers.js';

export interface NewPack extends ExpectedBytes {
  tier: Tier;
  store: string;
  key: string;
  /** There where frames were compressed: which stored bytes each instance is made of, in their order. */
  recompressed?: { encoding: Recompression; parts: PackPart[] } | undefined;
}

/**
 * Makes the new pack the one that a series is read from: its row and its copy, the place of each instance that is still
 * where it was when it was copied, and the end of the packs that hold nothing any more. They stay for the grace.
 * @returns how many instances are read from it now; 0, and nothing was written, when none is where it was
 */
export async function switchSeries(
  tx: Transaction,
  studyInstanceUid: string,
  layout: SeriesLayout,
  pack: NewPack,
  preview: KeptPreview | undefined,
  graceHours: number,
): Promise<number> {
  // The lock of those who store, delete and restore in this study.
  await query(tx, `select pg_advisory_xact_lock(hashtextextended($1, 0))`, [studyInstanceUid]);
  const former = [...layout.packs.keys()].sort();
  await query(tx, `select from pack where pack_id = any($1) order by pack_id for no key update`, [former]);
  const packId = randomUUID();
  const encoding = pack.recompressed?.encoding ?? null;
  await query(
    tx,
    `insert into pack (pack_id, bytes, sha256, encoding, original_bytes, piece_bytes, last_read_at)
     select $1, $2, $3, $5, $6, $7, max(last_read_at) from pack where pack_id = any($4)`,
    [packId, pack.bytes, pack.sha256, former, encoding, encoding === null ? null : layout.bytes, pack.pieceBytes],
  );
  const { instances } = layout;
  const places = placesOf(instances);
  const moved = await execute(
    tx,
    `update instance i set pack_id = $1, pack_offset = k.new_offset
       from unnest($2::bigint[], $3::uuid[], $4::bigint[], $5::bigint[])
            as k (instance_key, pack_id, pack_offset, new_offset)
      where i.instance_key = k.instance_key and i.pack_id = k.pack_id and i.pack_offset = k.pack_offset`,
    [
      packId,
      instances.map((instance) => instance.instanceKey),
      instances.map((instance) => instance.packId),
      instances.map((instance) => instance.offset),
      places,
    ],
  );
  if (moved === 0) {
    await execute(tx, 'delete from pack where pack_id = $1', [packId]);
    return 0;
  }
  await query(
    tx,
    `insert into location (location_id, pack_id, tier, store, key, verified_at, encoding)
     values (gen_random_uuid(), $1, $2, $3, $4, now(), $5)`,
    [packId, pack.tier, pack.store, pack.key, encoding],
  );
  if (pack.recompressed !== undefined) await insertParts(tx, packId, pack.recompressed.parts);
  for (const formerId of former) {
    const indexes = [...instances.keys()].filter((index) => instances[index]!.packId === formerId);
    indexes.sort((a, b) => instances[a]!.offset - instances[b]!.offset);
    await query(
      tx,
      `insert into pack_successor (pack_id, successor_id, former_offsets, offsets) values ($1, $2, $3, $4)`,
      [formerId, packId, indexes.map((index) => instances[index]!.offset), indexes.map((index) => places[index])],
    );
  }
  await emptyPacks(tx, former, graceHours);
  if (preview !== undefined) await insertPreview(tx, packId, preview);
  return moved;
}

async function insertParts(tx: Transaction, packId: string, parts: readonly PackPart[]): Promise<void> {
  await query(
    tx,
    `insert into pack_part (pack_id, pack_offset, length, stored_offset, stored_length, frames_offset, frame_bytes,
                            frame_lengths, frame_shape)
     select $1, k.* from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                                $8::bytea[], $9::jsonb[]) as k`,
    [
      packId,
      parts.map(({ offset }) => offset),
      parts.map(({ length }) => length),
      parts.map(({ storedOffset }) => storedOffset),
      parts.map(({ storedLength }) => storedLength),
      parts.map(({ frames }) => frames?.offset ?? null),
      parts.map(({ frames }) => frames?.bytes ?? null),
      parts.map(({ frames }) => frames?.lengths ?? null),
      parts.map(({ frames }) => (frames === undefined ? null : JSON.stringify(frames.shape))),
    ],
  );
}

/** Where each instance begins in the new pack: one behind the other. */
export function placesOf(instances: readonly PlacedInstance[]): number[] {
  let at = 0;
  return instances.map(({ length }) => (at += length) - length);
}

/** Ends packs that nothing refers to any more; who read their rows before finds their bytes for the grace. */
async function emptyPacks(tx: Transaction, packIds: readonly string[], graceHours: number): Promise<void> {
  await execute(
    tx,
    `update pack p set emptied_at = now(), keep_until = now() + $2::float8 * interval '1 hour'
      where p.pack_id = any($1) and p.emptied_at is null
        and not exists (select from instance i where i.pack_id = p.pack_id)
        and not exists (select from deleted_instance d where d.pack_id = p.pack_id)`,
    [packIds, graceHours],
  );
  await execute(
    tx,
    `update location l set state = 'retired', retired_at = coalesce(l.retired_at, now())
       from pack p where p.pack_id = l.pack_id and p.pack_id = any($1) and p.emptied_at is not null`,
    [packIds],
  );
}

/** Names what of a pack lies on the hot tier, too. */
export async function insertPreview(tx: Transaction, packId: string, preview: KeptPreview): Promise<void> {
  const keptPackId = randomUUID();
  await query(tx, `insert into pack (pack_id, bytes, sha256) values ($1, $2, $3)`, [
    keptPackId,
    preview.blob.bytes,
    preview.blob.sha256,
  ]);
  await query(
    tx,
    `insert into location (location_id, pack_id, tier, store, key, verified_at)
     values (gen_random_uuid(), $1, 'hot', $2, $3, now())`,
    [keptPackId, preview.store, preview.blob.key],
  );
  await query(
    tx,
    `insert into kept_range (pack_id, pack_offset, length, kept_pack_id, kept_offset)
     select $1, r.pack_offset, r.length, $2, r.kept_offset
       from unnest($3::bigint[], $4::bigint[], $5::bigint[]) as r (pack_offset, length, kept_offset)
         on conflict do nothing`,
    [
      packId,
      keptPackId,
      preview.ranges.map(({ packOffset }) => packOffset),
      preview.ranges.map(({ length }) => length),
      preview.ranges.map(({ keptOffset }) => keptOffset),
    ],
  );
}
