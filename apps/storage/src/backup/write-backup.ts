import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { BlobStores } from '#libs/blobs';
import { type DataSource, query, type Transaction } from '#libs/database';
import { type ExpectedBytes, expectedColumns } from '../tiering/expected-bytes.js';
import { readBlobInto } from './blob-files.js';
import { withBackupLock } from './backup-lock.js';
import { dumpTable, listMigrations, listTables, type TableDump } from './tables.js';

/** What a backup is; written last, so that one without it was cut off. */
export interface BackupManifest {
  format: 1;
  name: string;
  /** The moment the rows are of. */
  takenAt: string;
  migrations: string[];
  tables: TableDump[];
  packs: number;
  bytes: number;
  /** Where packs were: a restore leaves them there where the store is configured, by this name. Absent in earlier ones. */
  stores?: { name: string; tier: string }[];
  /** Packs that could not be copied, and why. Of those in an archive class the archive holds the only copy. */
  missing: { packId: string; reason: string }[];
}

export interface BackupResult {
  name: string;
  packs: number;
  bytes: number;
  /** Of these, what was not in an earlier backup in the same folder. */
  newPacks: number;
  newBytes: number;
  missing: BackupManifest['missing'];
  seconds: number;
}

interface PackToCopy extends ExpectedBytes {
  packId: string;
}

const packsPerPage = 500;
const first = '00000000-0000-0000-0000-000000000000';

/** Where a pack lies in a backup's folder. Packs never change, so all backups in the folder share them. */
export const packFile = (folder: string, packId: string): string =>
  path.join(folder, 'packs', packId.slice(0, 2), packId);

/**
 * Writes a backup into a folder: the rows as of one moment, then every pack that they name and that is not there yet, its
 * digest compared as it is copied. The archive works on meanwhile; only what is past its grace is not deleted until the end.
 */
export async function writeBackup(
  db: DataSource,
  stores: BlobStores,
  folder: string,
  signal: AbortSignal,
  onProgress: (progress: { packs: number; bytes: number; bytesInAll: number }) => void = () => undefined,
): Promise<BackupResult> {
  const begun = performance.now();
  const name = new Date().toISOString().replaceAll(/[:.]/g, '-');
  const partial = path.join(folder, `${name}.partial`);
  await mkdir(path.join(partial, 'tables'), { recursive: true, mode: 0o700 });
  return withBackupLock(db, async () => {
    const { tables, migrations, takenAt } = await dumpRows(db, path.join(partial, 'tables'));
    const result = { packs: 0, bytes: 0, newPacks: 0, newBytes: 0, missing: [] as BackupManifest['missing'] };
    const [total] = await query<{ bytes: number }>(db, 'select coalesce(sum(bytes), 0)::bigint as bytes from pack');
    for await (const pack of packsOf(db)) {
      signal.throwIfAborted();
      try {
        const isNew = await copyPack(db, stores, folder, pack, signal);
        result.packs += 1;
        result.bytes += pack.bytes;
        if (isNew) {
          result.newPacks += 1;
          result.newBytes += pack.bytes;
        }
        onProgress({ packs: result.packs, bytes: result.bytes, bytesInAll: total!.bytes });
      } catch (error) {
        signal.throwIfAborted();
        result.missing.push({ packId: pack.packId, reason: (error as Error).message });
      }
    }
    const { packs, bytes, missing } = result;
    const manifest: BackupManifest = {
      format: 1,
      name,
      takenAt,
      migrations,
      tables,
      packs,
      bytes,
      stores: stores.entries.map(({ store, tier }) => ({ name: store.name, tier })),
      missing,
    };
    await writeDurably(path.join(partial, 'manifest.json'), JSON.stringify(manifest, undefined, 2));
    await rename(partial, path.join(folder, name));
    await syncFolder(folder);
    return { name, ...result, seconds: Math.round((performance.now() - begun) / 100) / 10 };
  });
}

async function dumpRows(
  db: DataSource,
  folder: string,
): Promise<Pick<BackupManifest, 'tables' | 'migrations' | 'takenAt'>> {
  return db.transaction('REPEATABLE READ', async (tx: Transaction) => {
    await query(tx, 'set transaction read only');
    await query(tx, 'set local statement_timeout = 0');
    const [row] = await query<{ now: Date }>(tx, 'select now() as now');
    const tables: TableDump[] = [];
    for (const table of await listTables(tx)) {
      tables.push(await dumpTable(tx, table, path.join(folder, `${table}.jsonl.gz`)));
    }
    return { tables, migrations: await listMigrations(tx), takenAt: row!.now.toISOString() };
  });
}

/** Packs that something refers to. Those that came after the rows were dumped do no harm, and the next backup needs them. */
async function* packsOf(db: DataSource): AsyncGenerator<PackToCopy> {
  for (let after: string | undefined = first; after !== undefined;) {
    const page: PackToCopy[] = await query<PackToCopy>(
      db,
      `select p.pack_id as "packId", ${expectedColumns} from pack p
        where p.pack_id > $1 and p.emptied_at is null order by p.pack_id limit $2`,
      [after, packsPerPage],
    );
    yield* page;
    after = page.length === packsPerPage ? page.at(-1)!.packId : undefined;
  }
}

/** @returns whether it was copied; false when an earlier backup has it. @throws when no copy of it is as it should be */
async function copyPack(
  db: DataSource,
  stores: BlobStores,
  folder: string,
  pack: PackToCopy,
  signal: AbortSignal,
): Promise<boolean> {
  const file = packFile(folder, pack.packId);
  const known = await stat(file).catch(() => undefined);
  if (known?.size === pack.bytes) return false;
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  const copies = await query<{ store: string; key: string }>(
    db,
    `select store, key from location where pack_id = $1
      order by state, array_position(array['hot', 'warm', 'cold'], tier)`,
    [pack.packId],
  );
  let failure: unknown = new Error('it has no copy');
  for (const { store, key } of copies) {
    const partial = `${file}.${randomUUID()}`;
    try {
      await readBlobInto({ store: stores.named(store), key }, pack, partial, signal);
      await rename(partial, file);
      await syncFolder(path.dirname(file));
      return true;
    } catch (error) {
      await rm(partial, { force: true });
      signal.throwIfAborted();
      failure = error;
    }
  }
  throw failure;
}

export async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
