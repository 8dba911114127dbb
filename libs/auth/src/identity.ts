import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Role } from '#libs/config';
import type { Policy } from './access.js';

/** Who asks, and what they may. */
export interface Identity {
  /** undefined: the suite's own token, or nobody needs one: no person. */
  readonly name?: string | undefined;
  readonly roles: readonly Role[];
}

/** The suite's own token may do everything, and is nobody. */
export const everything: Identity = Object.freeze({ roles: ['admin'] as const });

const rolesOfPolicy: Record<Exclude<Policy, 'public'>, readonly Role[]> = {
  read: ['reader', 'performer', 'admin'],
  reading: ['reader', 'admin'],
  write: ['performer', 'admin'],
  admin: ['admin'],
};

export function may(identity: Identity, policy: Exclude<Policy, 'public'>): boolean {
  return rolesOfPolicy[policy].some((role) => identity.roles.includes(role));
}

export interface IdentifiedRequest {
  identity?: Identity;
}

/** Parameter of a route that is not public: who asks. */
export const Who = createParamDecorator((_: unknown, context: ExecutionContext): Identity => {
  const { identity } = context.switchToHttp().getRequest<IdentifiedRequest>();
  if (identity === undefined) throw new Error('A public route knows nobody: give it another policy.');
  return identity;
});
