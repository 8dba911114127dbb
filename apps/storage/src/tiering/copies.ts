import { type DataSource, execute, query, type Transaction } from '#libs/database';
import { type ExpectedBytes, expectedColumns } from './expected-bytes.js';
import { type Tier, tiers } from './tiers.js';

/** A copy of a pack that readers may be sent to. */
export interface ReadyCopy {
  locationId: string;
  tier: Tier;
  store: string;
  key: string;
  /** How the pack is encoded; null where it is stored as it came. */
  encoding: string | null;
}

/** A pack, and what is stored of it. */
export interface PackWithCopies extends ExpectedBytes {
  packId: string;
  /** Of what came, where that is stored otherwise. */
  originalBytes: number | null;
  /** Nearest to the reader first. */
  copies: ReadyCopy[];
}

export async function readPack(db: DataSource, packId: string): Promise<PackWithCopies | undefined> {
  const [pack] = await query<Omit<PackWithCopies, 'copies'>>(
    db,
    `select p.pack_id as "packId", ${expectedColumns}, p.original_bytes as "originalBytes" from pack p where p.pack_id = $1`,
    [packId],
  );
  return pack === undefined ? undefined : { ...pack, copies: await readReadyCopies(db, packId) };
}

function readReadyCopies(db: DataSource | Transaction, packId: string): Promise<ReadyCopy[]> {
  return query<ReadyCopy>(
    db,
    `select location_id as "locationId", tier, store, key, encoding from location
      where pack_id = $1 and state = 'ready'
      order by array_position(array['hot', 'warm', 'cold'], tier), created_at`,
    [packId],
  );
}

/** The tiers nearer to the reader than this one: what a move to it retires. */
export function warmerThan(tier: Tier): Tier[] {
  return tiers.slice(0, tiers.indexOf(tier));
}

/**
 * Makes a verified copy the one to read, and retires those on warmer tiers; a colder one stays. Compare-and-set: the copy
 * that the bytes came from must still be ready, and the tier must not have one yet.
 * @returns false when another runner was faster; nothing was written, and the copy is surplus
 */
export async function addCopy(
  tx: Transaction,
  packId: string,
  source: ReadyCopy,
  copy: Omit<ReadyCopy, 'locationId' | 'encoding'>,
): Promise<boolean> {
  const ready = await lockCopies(tx, packId);
  if (!ready.some(({ locationId }) => locationId === source.locationId)) return false;
  if (ready.some(({ tier }) => tier === copy.tier)) return false;
  await query(
    tx,
    `insert into location (location_id, pack_id, tier, store, key, verified_at, encoding)
     select gen_random_uuid(), pack_id, $2, $3, $4, now(), encoding from pack where pack_id = $1`,
    [packId, copy.tier, copy.store, copy.key],
  );
  await retireWarmer(tx, packId, copy.tier);
  return true;
}

/**
 * Retires the copies on tiers warmer than that of a copy which is there already and has been verified.
 * @returns how many; 0 when another runner was faster
 */
export async function keepCopy(tx: Transaction, packId: string, copy: ReadyCopy): Promise<number> {
  const ready = await lockCopies(tx, packId);
  if (!ready.some(({ locationId }) => locationId === copy.locationId)) return 0;
  return retireWarmer(tx, packId, copy.tier);
}

/**
 * What an archive class tells of a copy is the digest of the whole: a pack with a copy there has that one, too.
 * @param sha256 of all of its bytes, as they were when they were compared
 */
export async function hashAsOne(tx: Transaction, packId: string, sha256: Buffer): Promise<void> {
  await execute(tx, `update pack set sha256 = $2, piece_bytes = null where pack_id = $1 and piece_bytes is not null`, [
    packId,
    sha256,
  ]);
}

/** One mover a pack until the transaction ends. Not `for update`: writers of instances reference the row. */
async function lockCopies(tx: Transaction, packId: string): Promise<ReadyCopy[]> {
  await query(tx, `select from pack where pack_id = $1 for no key update`, [packId]);
  return readReadyCopies(tx, packId);
}

function retireWarmer(tx: Transaction, packId: string, tier: Tier): Promise<number> {
  return execute(
    tx,
    `update location set state = 'retired', retired_at = now()
      where pack_id = $1 and state = 'ready' and tier = any($2)`,
    [packId, warmerThan(tier)],
  );
}
