import { Inject, Injectable } from '@nestjs/common';
import { type Job, OnJob } from '#libs/jobs';
import { type Logger, LOGGER } from '#libs/telemetry';
import { RouteStudy } from './route-study.js';

/** Instances of a study were stored, or it is time to look at it again. */
@Injectable()
export class StudyArrivedJob {
  constructor(
    private readonly routeStudy: RouteStudy,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @OnJob('study-arrived')
  async handle({ payload: { studyInstanceUid } }: Job<'study-arrived'>): Promise<void> {
    const outcome = await this.routeStudy.route(studyInstanceUid);
    // Deleted between the job and now: nothing is left to route.
    const level = outcome === 'unknown-study' ? 'warn' : 'debug';
    this.logger[level]({ studyInstanceUid, outcome }, 'routing');
  }
}
