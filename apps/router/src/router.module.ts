import { Module } from '@nestjs/common';
import { mapErrorCodes } from '#libs/server';
import { ModelsController } from './admin/models.controller.js';
import { RulesController } from './admin/rules.controller.js';
import { StudiesController } from './admin/studies.controller.js';
import { RouteStudy } from './routing/route-study.js';
import { SeedRules } from './routing/seed-rules.js';
import { StudyArrivedJob } from './routing/study-arrived.job.js';
import { ChangeWorkitems } from './workitems/change-workitems.js';
import { ChangeWorkitemsController } from './workitems/change-workitems.controller.js';
import { EventReports } from './workitems/event-reports.js';
import { ReconcileWorkitemsJob } from './workitems/reconcile-workitems.job.js';
import { SubscriptionsController } from './workitems/subscriptions.controller.js';
import { WorkitemsController } from './workitems/workitems.controller.js';
import { ReadStudy } from './worklist/read-study.js';
import { ResultReadyJob } from './worklist/result-ready.job.js';
import { WorklistController } from './worklist/worklist.controller.js';
import { WorklistEvents } from './worklist/worklist-events.js';

mapErrorCodes({
  'invalid-worklist-query': 400,
  'invalid-workitem-query': 400,
  'no-reading-task': 404,
  'reading-taken': 409,
  'reading-not-yours': 409,
  'reading-over': 409,
});

/** Sends every study to the models of its specialty and keeps the worklist. */
@Module({
  controllers: [
    WorklistController,
    WorkitemsController,
    ChangeWorkitemsController,
    SubscriptionsController,
    StudiesController,
    RulesController,
    ModelsController,
  ],
  providers: [
    SeedRules,
    RouteStudy,
    StudyArrivedJob,
    ResultReadyJob,
    ReconcileWorkitemsJob,
    ReadStudy,
    WorklistEvents,
    ChangeWorkitems,
    EventReports,
  ],
})
export class RouterModule {}
