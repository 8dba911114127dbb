import { Module } from '@nestjs/common';
import { BlobStores } from '#libs/blobs';
import { CONFIG } from '#libs/config';
import { Health } from '#libs/telemetry';
import { ReadChanges } from './changes/read-changes.js';
import { DeleteInstances } from './deletion/delete-instances.js';
import { openStores } from './open-stores.js';
import { FrameCodec } from './packs/frame-codec.js';
import { PackBytes } from './packs/pack-bytes.js';
import { OpenFrames } from './retrieve/open-frames.js';
import { OpenInstance } from './retrieve/open-instance.js';
import { PurgeDeletions } from './deletion/purge-deletions.js';
import { ReadMetadata } from './retrieve/read-metadata.js';
import { ReadPack } from './retrieve/read-pack.js';
import { RecallPacks } from './retrieve/recall-packs.js';
import { RestoreDeletion } from './deletion/restore-deletion.js';
import { StoreInstances } from './store/store-instances.js';

const services = [
  StoreInstances,
  OpenInstance,
  OpenFrames,
  ReadMetadata,
  FrameCodec,
  PackBytes,
  ReadPack,
  RecallPacks,
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
