import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { addAbortSignal, type Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  type BlobDigest,
  type BlobStore,
  BlobStores,
  type DigestOptions,
  FilesystemBlobStore,
  type TierName,
} from '#libs/blobs';
import { type Config, loadConfig } from '#libs/config';
import { execute, query } from '#libs/database';
import { newUid } from '#libs/dicom';
import { createLogger, type Logger } from '#libs/telemetry';
import { createTestDatabase, type TestDatabase } from '../database.js';

/** A database and one folder a tier. */
export interface StorageBench {
  db: TestDatabase;
  hot: FilesystemBlobStore;
  warm: FilesystemBlobStore;
  cold: FilesystemBlobStore;
  folder: string;
  close(): Promise<void>;
}

export async function startBench(): Promise<StorageBench> {
  const folder = await mkdtemp(path.join(tmpdir(), 'isocenter-storage-'));
  const db = await createTestDatabase();
  const open = (name: string) => FilesystemBlobStore.open(name, path.join(folder, name));
  return {
    db,
    hot: await open('hot'),
    warm: await open('warm'),
    cold: await open('cold'),
    folder,
    close: async () => {
      await db.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Takes all rows and blobs away: quicker than another bench. */
export async function emptyBench(bench: StorageBench): Promise<void> {
  const tables = ['jobs.job', 'workitem', 'instance', 'series', 'study', 'study_hold', 'tiering_policy'];
  tables.push('series_move', 'pack_recall', 'pack_successor', 'kept_range', 'location', 'pack', 'setting');
  for (const table of tables) await execute(bench.db.dataSource, `delete from ${table}`);
  for (const store of [bench.hot, bench.warm, bench.cold]) {
    for (const key of await keysOf(store)) await store.delete(key);
    await store.clearStaging(new Date(Date.now() + 60_000));
  }
}

/** The bench's stores as a process has them; give another store for a tier to make it misbehave. */
export function storesOf(bench: StorageBench, others: Partial<Record<TierName, BlobStore>> = {}): BlobStores {
  return new BlobStores({ hot: bench.hot, warm: bench.warm, cold: bench.cold, ...others });
}

export function configOf(changes: Partial<Config> = {}): Config {
  return { ...loadConfig('suite', {}), ...changes };
}

export const never = (): AbortSignal => new AbortController().signal;
export const silent: Logger = createLogger('test', 'silent');

/** Keeps the objects that were logged, so that an alarm can be asked for. */
export function recordingLogger(): {
  logger: Logger;
  lines: { level: string; text: string; [key: string]: unknown }[];
} {
  const lines: { level: string; text: string }[] = [];
  const record = (level: string) => (what: object, text: string) => void lines.push({ level, ...what, text });
  const logger = { info: record('info'), warn: record('warn'), error: record('error') };
  return { logger: logger as unknown as Logger, lines };
}

export async function writeBlob(store: BlobStore, bytes: Uint8Array): Promise<string> {
  const writer = await store.write();
  await writer.write(bytes);
  return (await writer.commit()).key;
}

export async function readBlob(store: BlobStore, key: string): Promise<Buffer> {
  return buffer(await store.read(key));
}

export async function keysOf(store: BlobStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list()) keys.push(key);
  return keys.sort();
}

export interface PackDescription {
  bytes?: Buffer;
  /** Of the pieces it is hashed in; default: it is hashed as one. */
  pieceBytes?: number[];
  tier?: TierName;
  /** How long ago the pack was stored. Default 0. */
  daysOld?: number;
  /** One instance of each in the pack. Default: one study as old as the pack. */
  studies?: StudyDescription[];
}

export interface StudyDescription {
  studyKey?: number;
  /** How long ago the study last changed. */
  daysOld?: number;
  /** State of an AI workitem of the study; default none. */
  ai?: 'SCHEDULED' | 'IN PROGRESS' | 'COMPLETED' | 'CANCELED';
  /** Whether a radiologist has still to read it; default no. */
  isUnread?: boolean;
}

export interface InsertedPack {
  packId: string;
  key: string;
  bytes: Buffer;
  studyKeys: number[];
}

/** Writes a blob, and the rows the archive would have for it. */
export async function insertPack(bench: StorageBench, description: PackDescription = {}): Promise<InsertedPack> {
  const { bytes = randomBytes(200_003), pieceBytes = null, tier = 'hot', daysOld = 0 } = description;
  const { studies = [{ daysOld }] } = description;
  const packId = randomUUID();
  const key = await writeBlob(bench[tier], bytes);
  await query(
    bench.db.dataSource,
    `insert into pack (pack_id, bytes, sha256, piece_bytes, created_at)
     values ($1, $2, $3, $4, now() - $5 * interval '1 day')`,
    [packId, bytes.length, digestInPieces(bytes, pieceBytes), pieceBytes, daysOld],
  );
  await insertLocation(bench, { packId, tier, key, daysOld });
  const studyKeys: number[] = [];
  for (const [index, study] of studies.entries()) {
    const studyKey = study.studyKey ?? (await insertStudy(bench, study));
    studyKeys.push(studyKey);
    const offset = Math.floor((bytes.length * index) / studies.length);
    const end = Math.floor((bytes.length * (index + 1)) / studies.length);
    await insertInstance(bench, studyKey, { packId, offset, bytes: bytes.subarray(offset, end) });
  }
  return { packId, key, bytes, studyKeys };
}

/** SHA-256 of the bytes, or of that of the pieces, one behind the other. */
export function digestInPieces(bytes: Buffer, pieceBytes: readonly number[] | null): Buffer {
  const sha256 = (of: Buffer) => createHash('sha256').update(of).digest();
  if (pieceBytes === null) return sha256(bytes);
  const starts = pieceBytes.map((_, index) => pieceBytes.slice(0, index).reduce((sum, length) => sum + length, 0));
  return sha256(
    Buffer.concat(pieceBytes.map((length, index) => sha256(bytes.subarray(starts[index]!, starts[index]! + length)))),
  );
}

export async function insertLocation(
  { db }: StorageBench,
  row: { packId: string; tier: TierName; key: string; daysOld?: number; store?: string },
): Promise<void> {
  await query(
    db.dataSource,
    `insert into location (location_id, pack_id, tier, store, key, created_at)
     values (gen_random_uuid(), $1, $2, $3, $4, now() - $5 * interval '1 day')`,
    [row.packId, row.tier, row.store ?? row.tier, row.key, row.daysOld ?? 0],
  );
}

/** Lets a pack's copy on a tier have been retired so many hours ago. */
export async function retire({ db }: StorageBench, packId: string, tier: TierName, hoursAgo: number): Promise<void> {
  await execute(
    db.dataSource,
    `update location set state = 'retired', retired_at = now() - $3 * interval '1 hour' where pack_id = $1 and tier = $2`,
    [packId, tier, hoursAgo],
  );
}

/** A pack's copies as 'tier state', nearest first. */
export async function copiesOf({ db }: StorageBench, packId: string): Promise<string[]> {
  const rows = await query<{ copy: string }>(
    db.dataSource,
    `select tier || ' ' || state || case when retired_at is null then '' else ' at ' || (retired_at <= now()) end as copy
       from location where pack_id = $1 order by array_position(array['hot', 'warm', 'cold'], tier), created_at`,
    [packId],
  );
  return rows.map(({ copy }) => copy.replace(' at true', ''));
}

export async function keyOn({ db }: StorageBench, packId: string, tier: TierName): Promise<string> {
  const rows = await query<{ key: string }>(
    db.dataSource,
    `select key from location where pack_id = $1 and tier = $2 and state = 'ready'`,
    [packId, tier],
  );
  if (rows.length !== 1) throw new Error(`Pack ${packId} has ${rows.length} ready copies on ${tier}`);
  return rows[0]!.key;
}

async function insertStudy({ db }: StorageBench, { daysOld = 0, ai, isUnread }: StudyDescription): Promise<number> {
  const [row] = await query<{ study_key: number }>(
    db.dataSource,
    `insert into study (study_instance_uid, attributes, number_of_instances, updated_at)
     values ($1, '{}', 1, now() - $2 * interval '1 day') returning study_key`,
    [newUid(), daysOld],
  );
  const studyKey = row!.study_key;
  if (ai !== undefined) await insertWorkitem(db, studyKey, 'ai', ai);
  if (isUnread === true) await insertWorkitem(db, studyKey, 'reading', 'SCHEDULED');
  return studyKey;
}

async function insertWorkitem(db: TestDatabase, studyKey: number, kind: string, state: string): Promise<void> {
  await query(
    db.dataSource,
    `insert into workitem (workitem_uid, kind, study_key, state, transaction_uid, dataset)
     values ($1, $2, $3, $4, $5, '{}')`,
    [newUid(), kind, studyKey, state, state === 'IN PROGRESS' ? newUid() : null],
  );
}

async function insertInstance(
  { db }: StorageBench,
  studyKey: number,
  { packId, offset, bytes }: { packId: string; offset: number; bytes: Buffer },
): Promise<void> {
  await query(
    db.dataSource,
    `with new_series as (
       insert into series (study_key, series_instance_uid, attributes) values ($1, $2, '{}') returning series_key)
     insert into instance (series_key, study_key, sop_instance_uid, sop_class_uid, transfer_syntax_uid, pack_id,
                           pack_offset, length, sha256, dataset_sha256, frame_kind, dicom_json)
     select series_key, $1, $3, '1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.1.2.1', $4, $5, $6, $7, $7, 'none', '{}'
       from new_series`,
    [studyKey, newUid(), newUid(), packId, offset, bytes.length, createHash('sha256').update(bytes).digest()],
  );
}

async function digestOf(body: Readable, options: DigestOptions = {}): Promise<BlobDigest> {
  const { pieces = [], isWhole = options.pieces === undefined, take, signal } = options;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of signal === undefined ? body : addAbortSignal(signal, body)) {
      chunks.push(chunk as Buffer);
      await take?.((chunk as Buffer).length);
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
  const all = Buffer.concat(chunks);
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
  const ends = pieces.map((_, index) => pieces.slice(0, index + 1).reduce((sum, length) => sum + length, 0));
  const whole = ends.filter((end) => end <= all.length);
  return {
    bytes: all.length,
    sha256: isWhole ? sha256(all) : undefined,
    pieces: whole.map((end, index) => sha256(all.subarray(end - pieces[index]!, end))),
  };
}

/** A store that is the given one but for some methods. One that reads otherwise finds other digests, too. */
export function withChanges(store: BlobStore, changes: Partial<BlobStore>): BlobStore {
  const { read } = changes;
  return {
    name: store.name,
    write: () => store.write(),
    read: (key) => store.read(key),
    readRange: (key, offset, length) => store.readRange(key, offset, length),
    readInto: (key, offset, target) => store.readInto(key, offset, target),
    digest: async (key, options) =>
      read === undefined ? store.digest(key, options) : digestOf(await read(key), options),
    head: (key) => store.head(key),
    delete: (key) => store.delete(key),
    list: () => store.list(),
    probe: () => store.probe(),
    ...changes,
  };
}
