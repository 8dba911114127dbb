import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { MetricsController } from './metrics.controller.js';
import { SessionController } from './session.controller.js';

@Module({ controllers: [HealthController, MetricsController, SessionController] })
export class ServerModule {}
