import { SetMetadata } from '@nestjs/common';
import type { JobName, JobPayload } from './job-catalogue.js';

export const onJobMetadata = 'isocenter:on-job';

export interface Job<Name extends JobName> {
  payload: JobPayload<Name>;
  /** 0 on the first try. */
  attempt: number;
  /** Aborted when the process stops, the job expires or its claim is lost: what follows must not be written. */
  signal: AbortSignal;
}

export type JobHandler<Name extends JobName> = (job: Job<Name>) => Promise<void>;

/**
 * Marks the method of a provider that handles a job. The method may run twice for one job and may be cut anywhere; what
 * it throws is recorded with the job, which is then retried.
 */
export function OnJob<Name extends JobName>(name: Name) {
  return <Method extends JobHandler<Name>>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void => {
    SetMetadata(onJobMetadata, name)(target, key, descriptor);
  };
}
