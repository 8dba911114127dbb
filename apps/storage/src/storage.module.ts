import { Module } from '@nestjs/common';
import { ArchiveModule } from '#libs/archive';
import { MovePack } from './tiering/move-pack.js';
import { MovePackJob } from './tiering/move-pack.job.js';
import { MoveSeriesJob } from './tiering/move-series.job.js';
import { PlanTieringJob } from './tiering/plan-tiering.job.js';
import { PoliciesController } from './tiering/policies.controller.js';
import { PrefetchPriorsJob } from './tiering/prefetch-priors.job.js';
import { RecallPackJob } from './tiering/recall-pack.job.js';
import { ResumeMovesJob } from './tiering/resume-moves.job.js';
import { StoreRoom } from './tiering/store-room.js';
import { StudiesController } from './tiering/studies.controller.js';
import { TestStores } from './tiering/test-stores.js';
import { TieringPolicies } from './tiering/tiering-policies.js';
import { TryRecompression } from './tiering/try-recompression.js';
import { CollectGarbageJob } from './upkeep/collect-garbage.job.js';
import { DeleteEmptiedJob } from './upkeep/delete-emptied.job.js';
import { ScrubJob } from './upkeep/scrub.job.js';
import { StorageController } from './usage/storage.controller.js';

/** Moves series between tiers and keeps the stores tidy. */
@Module({
  imports: [ArchiveModule],
  controllers: [StorageController, PoliciesController, StudiesController],
  providers: [
    TieringPolicies,
    TryRecompression,
    TestStores,
    StoreRoom,
    PlanTieringJob,
    MovePack,
    MovePackJob,
    MoveSeriesJob,
    ResumeMovesJob,
    RecallPackJob,
    PrefetchPriorsJob,
    CollectGarbageJob,
    DeleteEmptiedJob,
    ScrubJob,
  ],
})
export class StorageModule {}
