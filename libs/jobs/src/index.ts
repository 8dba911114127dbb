export { openBoss, startBoss } from './boss.js';
export { jobCatalogue, type JobName, jobNames, type JobPayload } from './job-catalogue.js';
export { JobQueue, prepareQueues, type SendJobOptions } from './job-queue.js';
export { HANDLED_APPS, JobRunner } from './job-runner.js';
export { JobsModule } from './jobs.module.js';
export { type Job, type JobHandler, OnJob } from './on-job.js';
export { announceArrivals } from './study-arrivals.js';
