import { SetMetadata } from '@nestjs/common';

/** What a route lets be done: public needs no token; read, write and admin need one wherever tokens are in force. */
export type Policy = 'public' | 'read' | 'write' | 'admin';

export const accessMetadata = 'isocenter:access';

/** Declares a route's policy, on the handler or for its whole controller. A route without one stops the start. */
export const Access = (policy: Policy) => SetMetadata(accessMetadata, policy);
