import { Module } from '@nestjs/common';
import { mapErrorCodes } from '#libs/server';
import { RoutingSettingsController } from './admin/routing-settings.controller.js';
import { RulesController } from './admin/rules.controller.js';
import { StudiesController } from './admin/studies.controller.js';
import { ForwardingController } from './forwarding/forwarding.controller.js';
import { ForwardStudyJob } from './forwarding/forward-study.job.js';
import { RouteStudy } from './routing/route-study.js';
import { SeedRules } from './routing/seed-rules.js';
import { StudyArrivals } from './routing/study-arrivals.js';
import { ChangeWorkitems } from './workitems/change-workitems.js';
import { ChangeWorkitemsController } from './workitems/change-workitems.controller.js';
import { EventReports } from './workitems/event-reports.js';
import { ReconcileWorkitemsJob } from './workitems/reconcile-workitems.job.js';
import { SubscriptionsController } from './workitems/subscriptions.controller.js';
import { WorkitemsController } from './workitems/workitems.controller.js';
import { FiguresController } from './metrics/figures.controller.js';
import { FoldFiguresJob } from './metrics/fold-figures.job.js';
import { WorklistMetrics } from './metrics/worklist-metrics.js';
import { DeliverWebhookJob } from './webhooks/deliver-webhook.job.js';
import { Webhooks } from './webhooks/webhooks.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';
import { ChangePriority } from './worklist/change-priority.js';
import { EscalateReadingsJob } from './worklist/escalate-readings.job.js';
import { ReadStudy } from './worklist/read-study.js';
import { ResultReadyJob } from './worklist/result-ready.job.js';
import { ReviewFinding } from './worklist/review-finding.js';
import { StoreReviewJob } from './worklist/reviews/store-review.job.js';
import { ServiceLevels } from './worklist/service-levels.js';
import { ServiceLevelsController } from './worklist/service-levels.controller.js';
import { TimelineController } from './worklist/timeline.controller.js';
import { WorklistChoices } from './worklist/worklist-choices.js';
import { WorklistController } from './worklist/worklist.controller.js';
import { WorklistEvents } from './worklist/worklist-events.js';

mapErrorCodes({
  'invalid-worklist-query': 400,
  'invalid-workitem-query': 400,
});

/** Sends every study to the models of its specialty and keeps the worklist. */
@Module({
  controllers: [
    WorklistController,
    TimelineController,
    ServiceLevelsController,
    WebhooksController,
    FiguresController,
    WorkitemsController,
    ChangeWorkitemsController,
    SubscriptionsController,
    StudiesController,
    RulesController,
    RoutingSettingsController,
    ForwardingController,
  ],
  providers: [
    SeedRules,
    RouteStudy,
    ForwardStudyJob,
    StudyArrivals,
    ResultReadyJob,
    ReconcileWorkitemsJob,
    ReadStudy,
    ChangePriority,
    ReviewFinding,
    StoreReviewJob,
    ServiceLevels,
    EscalateReadingsJob,
    Webhooks,
    DeliverWebhookJob,
    FoldFiguresJob,
    WorklistMetrics,
    WorklistChoices,
    WorklistEvents,
    ChangeWorkitems,
    EventReports,
  ],
})
export class RouterModule {}
