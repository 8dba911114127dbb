import path from 'node:path';
import { Module } from '@nestjs/common';
import { BlobStores, FilesystemBlobStore, S3BlobStore } from '#libs/blobs';
import { CONFIG, type Config } from '#libs/config';
import { Health } from '#libs/telemetry';
import { ReadChanges } from './changes/read-changes.js';
import { DeleteInstances } from './deletion/delete-instances.js';
import { OpenFrames } from './retrieve/open-frames.js';
import { OpenInstance } from './retrieve/open-instance.js';
import { PurgeDeletions } from './deletion/purge-deletions.js';
import { ReadMetadata } from './retrieve/read-metadata.js';
import { ReadPack } from './retrieve/read-pack.js';
import { RestoreDeletion } from './deletion/restore-deletion.js';
import { StoreInstances } from './store/store-instances.js';

const services = [
  StoreInstances,
  OpenInstance,
  OpenFrames,
  ReadMetadata,
  ReadPack,
  DeleteInstances,
  RestoreDeletion,
  PurgeDeletions,
  ReadChanges,
];

/** How instances get in and out, and the stores their bytes are in. */
@Module({
  providers: [...services, { provide: BlobStores, useFactory: openStores, inject: [CONFIG, Health] }],
  exports: [...services, BlobStores],
})
export class ArchiveModule {}

/** Hot is the data folder; warm and cold are S3 where it is configured. */
async function openStores(config: Config, health: Health): Promise<BlobStores> {
  const { s3 } = config;
  const stores = new BlobStores({
    hot: await FilesystemBlobStore.open('local', path.join(config.dataDir, 'blobs')),
    ...(s3 !== undefined && { warm: new S3BlobStore('s3', { ...s3, storageClass: undefined }) }),
    ...(s3?.coldStorageClass !== undefined && {
      cold: new S3BlobStore('s3-cold', { ...s3, storageClass: s3.coldStorageClass }),
    }),
  });
  health.register('blobs', async () => {
    await Promise.all(stores.all.map((store) => store.probe()));
    return { tiers: stores.tiers };
  });
  return stores;
}
