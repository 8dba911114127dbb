import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import {
  DeleteInstances,
  type IncomingPart,
  OpenInstance,
  type Origin,
  PurgeDeletions,
  ReadChanges,
  ReadMetadata,
  ReadPack,
  RestoreDeletion,
  StoreInstances,
  type StoreOutcome,
} from '#libs/archive';
import { BlobStores, FilesystemBlobStore } from '#libs/blobs';
import { type Config, loadConfig } from '#libs/config';
import { type DataSource, query } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import { createLogger } from '#libs/telemetry';
import { createTestDatabase } from '../database.js';
import { temporaryFolder } from '../temporary-folder.js';

/** The archive's services over a database and a folder of their own. */
export interface ArchiveBench {
  dataSource: DataSource;
  jobs: JobQueue;
  stores: BlobStores;
  blobs: FilesystemBlobStore;
  config: Config;
  deleting: DeleteInstances;
  restoring: RestoreDeletion;
  purging: PurgeDeletions;
  changes: ReadChanges;
  metadata: ReadMetadata;
  store(
    objects: readonly Uint8Array[],
    options?: { origin?: Origin; conflictPolicy?: Config['conflictPolicy'] },
  ): Promise<StoreOutcome>;
  /** The Part 10 object as it is given out. */
  read(uids: { studyInstanceUid: string; seriesInstanceUid: string; sopInstanceUid: string }): Promise<Buffer>;
  rows<Row = Record<string, unknown>>(sql: string, parameters?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export async function startArchiveBench(): Promise<ArchiveBench> {
  const database = await createTestDatabase();
  const { dataSource } = database;
  const folder = temporaryFolder('archive');
  const jobs = await database.jobs();
  const blobs = await FilesystemBlobStore.open('local', path.join(folder, 'blobs'));
  const stores = new BlobStores({ hot: blobs });
  const config = loadConfig('suite', { ISOCENTER_DATA_DIR: folder });
  const logger = createLogger('test', 'silent');
  const open = new OpenInstance(dataSource, new ReadPack(dataSource, stores));
  return {
    dataSource,
    jobs,
    stores,
    blobs,
    config,
    deleting: new DeleteInstances(config, dataSource),
    restoring: new RestoreDeletion(dataSource),
    purging: new PurgeDeletions(dataSource, jobs),
    changes: new ReadChanges(dataSource),
    metadata: new ReadMetadata(dataSource),
    store: (objects, { origin = 'sender', conflictPolicy = 'reject' } = {}) =>
      new StoreInstances({ ...config, conflictPolicy }, logger, stores, dataSource).store(partsOf(objects), {
        origin,
      }),
    read: async (uids) => buffer(await open.open(await open.find(uids))),
    rows: (sql, parameters) => query(dataSource, sql, parameters),
    close: () => database.drop(),
  };
}

async function* partsOf(objects: readonly Uint8Array[]): AsyncGenerator<IncomingPart> {
  for (const [index, object] of objects.entries()) yield { number: index + 1, body: one(object) };
}
async function* one(object: Uint8Array): AsyncGenerator<Uint8Array> {
  yield object;
}
