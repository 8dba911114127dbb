import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { type DataSource, execute, query, type Transaction } from '#libs/database';
import type { Model } from '../model.js';

export type ModelSource = 'folder' | 'upload';
export type ModelAct = 'uploaded' | 'activated' | 'rolled back' | 'deleted';

const pieceBytes = 4 * 1024 ** 2;

export interface ModelRow {
  modelId: string;
  version: string;
  specialty: string;
  sha256: string;
  networkSha256: string;
  source: ModelSource;
  isCurrent: boolean;
  /** As JSON: it was checked when it was stored, by the rules of then. */
  manifest: unknown;
}

/** One change of models at a time, until the transaction ends. */
export async function lockModels(tx: Transaction): Promise<void> {
  await query(tx, `select pg_advisory_xact_lock(hashtext('model registry'))`);
}

export async function getModel(
  db: DataSource | Transaction,
  modelId: string,
  version: string,
): Promise<ModelRow | undefined> {
  const [row] = await query<{
    model_id: string;
    version: string;
    specialty: string;
    sha256: string;
    network_sha256: string;
    source: ModelSource;
    is_current: boolean;
    manifest: unknown;
  }>(
    db,
    `select model_id, version, specialty, sha256, network_sha256, source, is_current, manifest
       from model where model_id = $1 and version = $2`,
    [modelId, version],
  );
  return (
    row && {
      modelId: row.model_id,
      version: row.version,
      specialty: row.specialty,
      sha256: row.sha256,
      networkSha256: row.network_sha256,
      source: row.source,
      isCurrent: row.is_current,
      manifest: row.manifest,
    }
  );
}

/** The digest that a version's number once stood for, though it may be gone. */
export async function usedDigest(
  db: DataSource | Transaction,
  modelId: string,
  version: string,
): Promise<string | undefined> {
  const [row] = await query<{ sha256: string }>(
    db,
    `select sha256 from model where model_id = $1 and version = $2
     union all
     (select sha256 from model_change where model_id = $1 and version = $2 order by change_key desc limit 1)`,
    [modelId, version],
  );
  return row?.sha256;
}

export async function insertModel(
  tx: Transaction,
  model: Pick<Model, 'id' | 'version' | 'specialty' | 'sha256' | 'networkSha256'>,
  source: ModelSource,
  manifest: unknown,
  bytes: number | null,
): Promise<void> {
  await query(
    tx,
    `insert into model (model_id, version, specialty, sha256, network_sha256, source, bytes, manifest, is_current)
     values ($1, $2, $3, $4, $5, $6, $7, $8, false)
     on conflict on constraint pk_model do update set manifest = excluded.manifest`,
    [
      model.id,
      model.version,
      model.specialty,
      model.sha256,
      model.networkSha256,
      source,
      bytes,
      JSON.stringify(manifest),
    ],
  );
}

/** Puts a file into the database, piece by piece: one piece is in memory. */
export async function storeFile(
  tx: Transaction,
  modelId: string,
  version: string,
  name: string,
  file: string,
): Promise<void> {
  let position = 0;
  for await (const piece of createReadStream(file, { highWaterMark: pieceBytes }) as AsyncIterable<Buffer>) {
    await query(tx, 'insert into model_file (model_id, version, name, position, bytes) values ($1, $2, $3, $4, $5)', [
      modelId,
      version,
      name,
      position++,
      piece,
    ]);
  }
}

/** Writes an uploaded version's files to a folder. @returns false when there are none */
export async function fetchFiles(
  db: DataSource | Transaction,
  modelId: string,
  version: string,
  directory: string,
): Promise<boolean> {
  const pieces = await query<{ name: string; position: number }>(
    db,
    'select name, position from model_file where model_id = $1 and version = $2 order by name, position',
    [modelId, version],
  );
  for (const [name, own] of Map.groupBy(pieces, (piece) => piece.name)) {
    const file = await open(path.join(directory, path.basename(name)), 'w', 0o600);
    try {
      for (const { position } of own) {
        const [piece] = await query<{ bytes: Buffer }>(
          db,
          'select bytes from model_file where model_id = $1 and version = $2 and name = $3 and position = $4',
          [modelId, version, name, position],
        );
        if (piece) await file.write(piece.bytes);
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }
  return pieces.length > 0;
}

export async function deleteModel(tx: Transaction, modelId: string, version: string): Promise<void> {
  await execute(tx, 'delete from model where model_id = $1 and version = $2', [modelId, version]);
}

/** AI tasks that still ask for a version. */
export async function openTasks(tx: Transaction, modelId: string, version: string): Promise<number> {
  const [row] = await query<{ count: number }>(
    tx,
    `select count(*)::integer as count from workitem
      where kind = 'ai' and model_id = $1 and model_version = $2 and state in ('SCHEDULED', 'IN PROGRESS')`,
    [modelId, version],
  );
  return row?.count ?? 0;
}

export async function versionsOf(db: DataSource | Transaction, modelId: string): Promise<string[]> {
  const rows = await query<{ version: string }>(db, 'select version from model where model_id = $1', [modelId]);
  return rows.map(({ version }) => version).sort(compareVersions);
}

export async function chooseVersion(tx: Transaction, modelId: string, version: string): Promise<void> {
  await query(
    tx,
    `insert into model_choice (model_id, version) values ($1, $2)
     on conflict on constraint pk_model_choice do update set version = $2, chosen_at = now()`,
    [modelId, version],
  );
}

/**
 * Puts in force what was chosen, or where nothing was (or it is gone) the highest version that lay in a folder: an upload waits for
 * somebody to activate it.
 */
export async function settleCurrent(tx: Transaction, modelId: string): Promise<void> {
  const rows = await query<{ version: string; source: ModelSource; is_chosen: boolean }>(
    tx,
    `select m.version, m.source, c.version is not null as is_chosen
       from model m left join model_choice c on c.model_id = m.model_id and c.version = m.version
      where m.model_id = $1`,
    [modelId],
  );
  const fromFolders = rows.filter(({ source }) => source === 'folder').map(({ version }) => version);
  const current = rows.find((row) => row.is_chosen)?.version ?? fromFolders.sort(compareVersions).at(-1);
  await execute(
    tx,
    'update model set is_current = false where model_id = $1 and is_current and version is distinct from $2',
    [modelId, current ?? null],
  );
  if (current !== undefined)
    await execute(tx, 'update model set is_current = true where model_id = $1 and version = $2 and not is_current', [
      modelId,
      current,
    ]);
}

export async function recordChange(
  tx: Transaction,
  change: {
    modelId: string;
    version: string;
    sha256: string;
    act: ModelAct;
    byWhom: string | undefined;
    note?: string;
  },
): Promise<void> {
  await query(
    tx,
    'insert into model_change (model_id, version, sha256, act, by_whom, note) values ($1, $2, $3, $4, $5, $6)',
    [change.modelId, change.version, change.sha256, change.act, change.byWhom ?? null, change.note ?? ''],
  );
}

export interface ModelChange {
  model: string;
  version: string;
  sha256: string;
  act: ModelAct;
  by: string | null;
  note: string;
  at: string;
}

export async function readChanges(db: DataSource | Transaction, modelId: string | undefined): Promise<ModelChange[]> {
  const rows = await query<{
    model_id: string;
    version: string;
    sha256: string;
    act: ModelAct;
    by_whom: string | null;
    note: string;
    created_at: Date;
  }>(
    db,
    `select model_id, version, sha256, act, by_whom, note, created_at from model_change
      where $1::text is null or model_id = $1 order by change_key desc limit 200`,
    [modelId ?? null],
  );
  return rows.map((row) => ({
    model: row.model_id,
    version: row.version,
    sha256: row.sha256,
    act: row.act,
    by: row.by_whom,
    note: row.note,
    at: row.created_at.toISOString(),
  }));
}

export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (const [index, part] of left!.entries()) if (part !== right![index]) return part - right![index]!;
  return 0;
}
