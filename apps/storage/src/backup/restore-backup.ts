import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { BlobStores } from '#libs/blobs';
import { type DataSource, execute, query, readSetting, transaction, writeSetting } from '#libs/database';
import { type ExpectedBytes, expectedColumns } from '../tiering/expected-bytes.js';
import { lookAtBlob } from '../upkeep/look-at-blob.js';
import { writeBlobFrom } from './blob-files.js';
import { listMigrations, listTables, loadTable } from './tables.js';
import { type BackupManifest, packFile } from './write-backup.js';

export interface RestoreResult {
  name: string;
  takenAt: string;
  studies: number;
  instances: number;
  /** Packs that were put into the hot tier. */
  packs: number;
  bytes: number;
  /** Packs that are where they were: their store is configured here, and has them. */
  packsInPlace: number;
  /** Stores that were configured where the backup was made, and are not here: what they held went to the hot tier. */
  storesElsewhere: string[];
  /** Packs that are nowhere: their instances are listed, and cannot be read. */
  missing: { packId: string; reason: string }[];
}

const setting = 'restoring-backup';

/** @throws Error that says what is wrong with the folder or the archive; nothing was changed then */
export async function readManifest(folder: string, name?: string): Promise<BackupManifest> {
  const names = name === undefined ? await listBackups(folder) : [name];
  const chosen = names.at(-1);
  if (chosen === undefined) throw new Error(`There is no backup in ${folder}.`);
  const file = path.join(folder, chosen, 'manifest.json');
  if (!existsSync(file)) throw new Error(`${path.join(folder, chosen)} is no backup, or one that was cut off.`);
  const manifest = JSON.parse(await readFile(file, 'utf8')) as BackupManifest;
  if (manifest.format !== 1) throw new Error(`${file} is of a format that this version does not know.`);
  return manifest;
}

/** Whole ones, the oldest first. */
export async function listBackups(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && existsSync(path.join(folder, entry.name, 'manifest.json')))
    .map(({ name }) => name)
    .sort();
}

/**
 * Puts a backup into an empty archive of the same version: all rows in one transaction, then the bytes, pack by pack. Cut
 * off among those, it goes on where it was when it is asked again.
 * @throws Error when the archive is not empty or of another version
 */
export async function restoreBackup(
  db: DataSource,
  stores: BlobStores,
  folder: string,
  manifest: BackupManifest,
  signal: AbortSignal,
  onProgress: (progress: { packs: number; bytes: number; bytesInAll: number }) => void = () => undefined,
): Promise<RestoreResult> {
  if ((await readSetting(db, setting)) !== manifest.name) await loadRows(db, folder, manifest);
  const result = { packs: 0, bytes: 0, packsInPlace: 0, missing: [] as RestoreResult['missing'] };
  const packs = await query<ExpectedBytes & { packId: string }>(
    db,
    `select p.pack_id as "packId", ${expectedColumns} from pack p where p.emptied_at is null order by p.pack_id`,
  );
  for (const pack of packs) {
    signal.throwIfAborted();
    try {
      if (await hasCopy(db, stores, pack)) result.packsInPlace += 1;
      else {
        const store = stores.hot;
        const key = await writeBlobFrom(packFile(folder, pack.packId), pack, store, signal);
        await query(
          db,
          `insert into location (location_id, pack_id, tier, store, key, encoding)
           select gen_random_uuid(), pack_id, 'hot', $2, $3, encoding from pack where pack_id = $1`,
          [pack.packId, store.name, key],
        );
        result.packs += 1;
        result.bytes += pack.bytes;
        onProgress({ packs: result.packs, bytes: result.bytes, bytesInAll: manifest.bytes });
      }
    } catch (error) {
      signal.throwIfAborted();
      result.missing.push({ packId: pack.packId, reason: (error as Error).message });
    }
  }
  await execute(db, 'delete from setting where name = $1', [setting]);
  const [counts] = await query<{ studies: number; instances: number }>(
    db,
    'select (select count(*) from study) as studies, (select count(*) from instance) as instances',
  );
  const here = new Set(stores.all.map((store) => store.name));
  const storesElsewhere = (manifest.stores ?? []).map(({ name }) => name).filter((name) => !here.has(name));
  return { name: manifest.name, takenAt: manifest.takenAt, ...counts!, ...result, storesElsewhere };
}

async function loadRows(db: DataSource, folder: string, manifest: BackupManifest): Promise<void> {
  const migrations = await listMigrations(db);
  if (JSON.stringify(migrations) !== JSON.stringify(manifest.migrations)) {
    const [here, there] = [migrations.at(-1), manifest.migrations.at(-1)];
    throw new Error(
      `The backup is of schema ${there}, this version has ${here}: restore with the version that wrote it.`,
    );
  }
  const [row] = await query<{ n: number }>(
    db,
    'select (select count(*) from pack) + (select count(*) from study) + (select count(*) from deletion) as n',
  );
  if (row!.n > 0) throw new Error('The archive is not empty: a backup is restored into a new data folder or database.');
  await transaction(db, async (tx) => {
    await query(tx, 'set local statement_timeout = 0');
    const tables = await listTables(tx);
    // What migrations and a first start put there.
    for (const table of tables.toReversed()) await execute(tx, `delete from ${table}`);
    for (const table of tables) {
      const dump = manifest.tables.find((one) => one.table === table);
      if (dump === undefined) throw new Error(`The backup has no table ${table}.`);
      await loadTable(tx, dump, path.join(folder, manifest.name, 'tables', `${table}.jsonl.gz`));
    }
    // What was on its way when the rows were dumped is ordered again.
    await execute(
      tx,
      `update series_move set state = 'failed', error = 'cut off by a restore', store = null, key = null
        where state in ('waiting', 'copying', 'verifying')`,
    );
    await execute(tx, `delete from location where state = 'retired'`);
    await writeSetting(tx, setting, manifest.name);
  });
}

/** Whether the pack is where its rows say, in a store of this installation. Rows that are wrong are taken away. */
async function hasCopy(db: DataSource, stores: BlobStores, pack: ExpectedBytes & { packId: string }): Promise<boolean> {
  const rows = await query<{ locationId: string; store: string; key: string }>(
    db,
    `select location_id as "locationId", store, key from location where pack_id = $1`,
    [pack.packId],
  );
  let isThere = false;
  for (const { locationId, store: name, key } of rows) {
    const store = stores.all.find((one) => one.name === name);
    const isRight = store !== undefined && (await lookAtBlob({ store, key }, pack)) === undefined;
    if (isRight) isThere = true;
    else await execute(db, 'delete from location where location_id = $1', [locationId]);
  }
  return isThere;
}
