import { type DataSource, query } from '#libs/database';
import type { ReadyCopy } from '../tiering/copies.js';
import type { CopiedLayout } from '../tiering/read-series.js';

/**
 * What a pack was made of, as far as that waits for its grace: the packs in which its objects came, and where in them.
 * @returns undefined where there is nothing, or where the pack is not stored as its objects came
 */
export async function readOrigin(db: DataSource, packId: string, bytes: number): Promise<CopiedLayout | undefined> {
  const places = await query<{ packId: string; offset: number; place: number }>(
    db,
    `select s.pack_id as "packId", u.former as offset, u.place
       from pack_successor s join pack p on p.pack_id = s.successor_id and p.encoding is null
      cross join lateral unnest(s.former_offsets, s.offsets) as u (former, place)
      where s.successor_id = $1 order by u.place`,
    [packId],
  );
  if (places.length === 0) return undefined;
  // They lie one behind the other. One whose pack is gone is missing here: what is read instead has another digest.
  const objects = places.map(({ packId: from, offset, place }, index) => {
    return { packId: from, offset, length: (places[index + 1]?.place ?? bytes) - place };
  });
  const copies = await query<ReadyCopy & { packId: string }>(
    db,
    `select location_id as "locationId", pack_id as "packId", tier, store, key, encoding from location
      where pack_id = any($1) order by array_position(array['hot', 'warm', 'cold'], tier), created_at`,
    [[...new Set(places.map((place) => place.packId))]],
  );
  const packs = new Map(places.map((place) => [place.packId, { copies: [] as ReadyCopy[] }]));
  for (const copy of copies) packs.get(copy.packId)!.copies.push(copy);
  return { instances: objects, packs, bytes };
}
