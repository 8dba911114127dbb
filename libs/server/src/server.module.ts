import { Module } from '@nestjs/common';
import { HealthController } from './health.controller.js';
import { SessionController } from './session.controller.js';

@Module({ controllers: [HealthController, SessionController] })
export class ServerModule {}
