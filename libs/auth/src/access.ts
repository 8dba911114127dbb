import { SetMetadata } from '@nestjs/common';

/**
 * What a route lets be done. public needs no token; the others need one wherever tokens are in force: read looks, reading
 * is what readers do with the worklist, write stores and performs, admin steers.
 */
export type Policy = 'public' | 'read' | 'reading' | 'write' | 'admin';

export const accessMetadata = 'isocenter:access';

/** Declares a route's policy, on the handler or for its whole controller. A route without one stops the start. */
export const Access = (policy: Policy) => SetMetadata(accessMetadata, policy);
