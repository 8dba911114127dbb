import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type IncomingPart, StoreInstances } from '#libs/archive';
import { BlobStores, FilesystemBlobStore } from '#libs/blobs';
import { loadConfig } from '#libs/config';
import { createLogger } from '#libs/telemetry';
import type { TestDatabase } from '../database.js';

export interface TestArchive {
  /** Stores Part 10 objects as one request would. */
  store(...objects: Uint8Array[]): Promise<void>;
  remove(): Promise<void>;
}

/** The real archive over a folder that goes away with the test. */
export async function openArchive(db: TestDatabase): Promise<TestArchive> {
  const directory = await mkdtemp(path.join(tmpdir(), 'isocenter-router-'));
  const config = loadConfig('suite', { ISOCENTER_DATA_DIR: directory });
  const hot = await FilesystemBlobStore.open('local', path.join(directory, 'blobs'));
  const logger = createLogger('test', 'silent');
  const archive = new StoreInstances(config, logger, new BlobStores({ hot }), db.dataSource);
  return {
    store: async (...objects) => {
      const { failed } = await archive.store(partsOf(objects), { origin: 'sender' });
      if (failed.length > 0) throw new Error(`The archive refused ${failed.length} instances`);
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

async function* partsOf(objects: readonly Uint8Array[]): AsyncGenerator<IncomingPart> {
  for (const [index, object] of objects.entries()) yield { number: index + 1, body: bodyOf(object) };
}

async function* bodyOf(object: Uint8Array): AsyncGenerator<Uint8Array> {
  yield object;
}
