import { Module } from '@nestjs/common';
import { ArchiveModule } from '#libs/archive';
import { MovePackJob } from './tiering/move-pack.job.js';
import { PlanTieringJob } from './tiering/plan-tiering.job.js';
import { CollectGarbageJob } from './upkeep/collect-garbage.job.js';
import { DeleteEmptiedJob } from './upkeep/delete-emptied.job.js';
import { StorageController } from './usage/storage.controller.js';

/** Moves packs between tiers and keeps the stores tidy. */
@Module({
  imports: [ArchiveModule],
  controllers: [StorageController],
  providers: [PlanTieringJob, MovePackJob, CollectGarbageJob, DeleteEmptiedJob],
})
export class StorageModule {}
