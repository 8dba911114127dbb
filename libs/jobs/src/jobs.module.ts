import { type DynamicModule, Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { AppName } from '#libs/config';
import { PgBoss } from 'pg-boss';
import { JobQueue } from './job-queue.js';
import { HANDLED_APPS, JobRunner } from './job-runner.js';

@Global()
@Module({})
export class JobsModule {
  /** @param boss started, its queues prepared; @param apps whose jobs this process handles; none: it only sends */
  static with(boss: PgBoss, apps: readonly AppName[]): DynamicModule {
    return {
      module: JobsModule,
      imports: [DiscoveryModule],
      providers: [
        { provide: PgBoss, useValue: boss },
        { provide: HANDLED_APPS, useValue: apps },
        { provide: JobQueue, useFactory: () => new JobQueue(boss) },
        JobRunner,
      ],
      exports: [JobQueue, HANDLED_APPS],
    };
  }
}
