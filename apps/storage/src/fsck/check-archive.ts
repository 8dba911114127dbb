import type { BlobStore, BlobStores } from '#libs/blobs';
import { type DataSource, query } from '#libs/database';
import { verifyBlob } from '../tiering/copy-blob.js';
import { type ExpectedBytes, expectedColumns } from '../tiering/expected-bytes.js';
import { lookAtBlob } from '../upkeep/look-at-blob.js';

/** What is wrong, in one place. */
export interface FsckProblem {
  kind:
    /** An instance's bytes are not within its pack. */
    | 'instance-beyond-pack'
    | 'instances-overlap'
    /** The rows do not say which stored bytes a pack whose frames are compressed is made of, or not all of them. */
    | 'encoding-wrong'
    /** The pieces that a pack is hashed in are not all of its bytes. */
    | 'pieces-wrong'
    /** No copy of a pack that holds instances can be read. */
    | 'pack-without-copy'
    /** A row names a blob that is not there. */
    | 'blob-missing'
    | 'blob-size'
    | 'blob-digest'
    /** A row names a store that is not configured. */
    | 'store-unknown'
    | 'store-failing'
    /** A study or series says it has another number of instances than there are. */
    | 'count-wrong';
  [detail: string]: unknown;
}

export interface FsckReport {
  isSound: boolean;
  startedAt: string;
  seconds: number;
  checked: { studies: number; instances: number; packs: number; copies: number; blobs: number; digests: number };
  /** Blobs that no row names: leftovers, which the garbage collector takes after its grace. No problem. */
  orphans: { blobs: number; bytes: number; examples: { store: string; key: string; bytes: number }[] };
  problems: FsckProblem[];
  /** There are more than are listed. */
  isCut: boolean;
}

export interface FsckOptions {
  /** Read every copy and compare its digest, too. */
  digests?: boolean;
  problemsMax?: number;
}

const pageSize = 500;
const headsAtOnce = 8;
const first = '00000000-0000-0000-0000-000000000000';

/** Compares the index with itself and with what lies in the stores. Changes nothing. Holds a page of rows at a time. */
export async function checkArchive(
  db: DataSource,
  stores: BlobStores,
  { digests = false, problemsMax = 1_000 }: FsckOptions = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<FsckReport> {
  const startedAt = new Date();
  const problems: FsckProblem[] = [];
  let isCut = false;
  const report = (problem: FsckProblem) => {
    if (problems.length < problemsMax) problems.push(problem);
    else isCut = true;
  };
  const checked = { ...(await countRows(db)), copies: 0, blobs: 0, digests: 0 };
  for (const problem of await checkRows(db, problemsMax)) report(problem);
  await checkCopies(db, stores, digests, checked, report, signal);
  const orphans = await findOrphans(db, stores, checked, report, signal);
  const seconds = Math.round((Date.now() - startedAt.getTime()) / 100) / 10;
  return {
    isSound: problems.length === 0,
    startedAt: startedAt.toISOString(),
    seconds,
    checked,
    orphans,
    problems,
    isCut,
  };
}

async function countRows(db: DataSource): Promise<{ studies: number; instances: number; packs: number }> {
  const [row] = await query<{ studies: number; instances: number; packs: number }>(
    db,
    `select (select count(*) from study) as studies, (select count(*) from instance) as instances,
            (select count(*) from pack) as packs`,
  );
  return row!;
}

/** What the rows themselves tell. */
async function checkRows(db: DataSource, limit: number): Promise<FsckProblem[]> {
  const held = `(select pack_id, pack_offset, length, sop_instance_uid from instance
                 union all select pack_id, pack_offset, length, sop_instance_uid from deleted_instance)`;
  const beyond = await query<object>(
    db,
    `select i.sop_instance_uid as "sopInstanceUid", i.pack_id as "packId", i.pack_offset as offset, i.length,
            coalesce(p.original_bytes, p.bytes) as "packBytes"
       from ${held} i join pack p using (pack_id)
      where i.pack_offset < 0 or i.length <= 0 or i.pack_offset + i.length > coalesce(p.original_bytes, p.bytes) limit $1`,
    [limit],
  );
  const overlapping = await query<object>(
    db,
    `select pack_id as "packId", sop_instance_uid as "sopInstanceUid", before as "otherSopInstanceUid"
       from (select pack_id, sop_instance_uid, pack_offset,
                    lag(pack_offset + length) over w as end_before, lag(sop_instance_uid) over w as before
               from instance window w as (partition by pack_id order by pack_offset)) i
      where pack_offset < end_before limit $1`,
    [limit],
  );
  const misread = await query<object>(
    db,
    `select p.pack_id as "packId", p.encoding from pack p
       left join lateral (select sum(length) as length, sum(stored_length) as stored_length from pack_part t
                           where t.pack_id = p.pack_id) t on p.encoding is not null
      where (p.encoding is not null
             and (t.length is distinct from p.original_bytes or t.stored_length is distinct from p.bytes))
         or exists (select from location l where l.pack_id = p.pack_id and l.encoding is distinct from p.encoding)
      limit $1`,
    [limit],
  );
  const unhashed = await query<object>(
    db,
    `select pack_id as "packId", bytes, pieces::bigint from pack
       cross join lateral (select sum(piece) as pieces from unnest(piece_bytes) as piece) s
      where piece_bytes is not null and pieces is distinct from bytes limit $1`,
    [limit],
  );
  const homeless = await query<object>(
    db,
    `select p.pack_id as "packId", p.bytes from pack p
      where exists (select from ${held} i where i.pack_id = p.pack_id)
        and not exists (select from location l where l.pack_id = p.pack_id and l.state = 'ready') limit $1`,
    [limit],
  );
  const counts = await query<object>(
    db,
    `select 'study' as level, st.study_instance_uid as uid, st.number_of_instances as said, c.n as found
       from study st cross join lateral (select count(*) as n from instance i where i.study_key = st.study_key) c
      where st.number_of_instances <> c.n
      union all
     select 'series', se.series_instance_uid, se.number_of_instances, c.n
       from series se cross join lateral (select count(*) as n from instance i where i.series_key = se.series_key) c
      where se.number_of_instances <> c.n limit $1`,
    [limit],
  );
  return [
    ...beyond.map((row) => ({ kind: 'instance-beyond-pack' as const, ...row })),
    ...overlapping.map((row) => ({ kind: 'instances-overlap' as const, ...row })),
    ...misread.map((row) => ({ kind: 'encoding-wrong' as const, ...row })),
    ...unhashed.map((row) => ({ kind: 'pieces-wrong' as const, ...row })),
    ...homeless.map((row) => ({ kind: 'pack-without-copy' as const, ...row })),
    ...counts.map((row) => ({ kind: 'count-wrong' as const, ...row })),
  ];
}

interface Copy extends ExpectedBytes {
  locationId: string;
  packId: string;
  tier: string;
  store: string;
  key: string;
}

async function checkCopies(
  db: DataSource,
  stores: BlobStores,
  digests: boolean,
  checked: { copies: number; digests: number },
  report: (problem: FsckProblem) => void,
  signal: AbortSignal,
): Promise<void> {
  const known = new Map(stores.all.map((store) => [store.name, store]));
  const failing = new Set<string>();
  for (let after: string | undefined = first; after !== undefined;) {
    const page: Copy[] = await query<Copy>(
      db,
      `select l.location_id as "locationId", l.pack_id as "packId", l.tier, l.store, l.key, ${expectedColumns}
         from location l join pack p using (pack_id)
        where l.location_id > $1 and l.state = 'ready' order by l.location_id limit $2`,
      [after, pageSize],
    );
    for (let at = 0; at < page.length; at += headsAtOnce) {
      signal.throwIfAborted();
      await Promise.all(
        page.slice(at, at + headsAtOnce).map(async (copy) => {
          checked.copies += 1;
          const { packId, store: name, key } = copy;
          const store = known.get(name);
          if (store === undefined) return report({ kind: 'store-unknown', packId, store: name, key });
          if (failing.has(name)) return;
          try {
            await checkCopy(db, store, copy, digests, checked, report, signal);
          } catch (error) {
            signal.throwIfAborted();
            if (!failing.has(name)) report({ kind: 'store-failing', store: name, error: (error as Error).message });
            failing.add(name);
          }
        }),
      );
    }
    after = page.length === pageSize ? page.at(-1)!.locationId : undefined;
  }
}

async function checkCopy(
  db: DataSource,
  store: BlobStore,
  copy: Copy,
  digests: boolean,
  checked: { digests: number },
  report: (problem: FsckProblem) => void,
  signal: AbortSignal,
): Promise<void> {
  const { packId, tier, key, bytes } = copy;
  const where = { packId, tier, store: store.name, key };
  const damage = await lookAtBlob({ store, key }, copy);
  if (damage !== undefined) {
    const still = await query(db, `select from location where location_id = $1 and key = $2 and state = 'ready'`, [
      copy.locationId,
      key,
    ]);
    if (still.length === 0) return; // it moved meanwhile
    if (damage.kind === 'missing') report({ kind: 'blob-missing', ...where, bytes });
    else if (damage.kind === 'size') report({ kind: 'blob-size', ...where, bytes, found: damage.bytes });
    else report({ kind: 'blob-digest', ...where, error: damage.text });
    return;
  }
  if (!digests || store.archive !== undefined) return;
  checked.digests += 1;
  try {
    await verifyBlob({ store, key }, copy, signal);
  } catch (error) {
    signal.throwIfAborted();
    if ((error as { code?: string }).code !== 'copy-damaged') throw error;
    report({ kind: 'blob-digest', ...where, error: (error as Error).message });
  }
}

async function findOrphans(
  db: DataSource,
  stores: BlobStores,
  checked: { blobs: number },
  report: (problem: FsckProblem) => void,
  signal: AbortSignal,
): Promise<FsckReport['orphans']> {
  const orphans: FsckReport['orphans'] = { blobs: 0, bytes: 0, examples: [] };
  const listed = new Set<string>();
  for (const store of stores.all) {
    try {
      let page: { key: string; bytes: number }[] = [];
      const judge = async () => {
        const rows = await query<{ key: string }>(db, 'select key from location where key = any($1)', [
          page.map(({ key }) => key),
        ]);
        const named = new Set(rows.map(({ key }) => key));
        for (const { key, bytes } of page) {
          // Two stores of one bucket list the same blobs.
          if (named.has(key) || listed.has(key)) continue;
          if (listed.size < 100_000) listed.add(key);
          orphans.blobs += 1;
          orphans.bytes += bytes;
          if (orphans.examples.length < 20) orphans.examples.push({ store: store.name, key, bytes });
        }
        page = [];
      };
      for await (const { key, bytes } of store.list()) {
        signal.throwIfAborted();
        checked.blobs += 1;
        page.push({ key, bytes });
        if (page.length === pageSize) await judge();
      }
      await judge();
    } catch (error) {
      signal.throwIfAborted();
      report({ kind: 'store-failing', store: store.name, error: (error as Error).message });
    }
  }
  return orphans;
}
