import { ForbiddenException, UnauthorizedException } from '@nestjs/common';
import { type Config, isLoopback } from '#libs/config';
import type { Policy } from './access.js';
import { type Identity, may } from './identity.js';
import { identify, tokenOf } from './token.js';

/**
 * What the guard asks of a request to any route that is not public, also for connections that no route of Nest's serves.
 * @returns who asks
 * @throws UnauthorizedException, ForbiddenException
 */
export function checkAccess(
  config: Config,
  headers: Record<string, string | string[] | undefined>,
  policy: Exclude<Policy, 'public'> = 'read',
): Identity {
  if (config.apiToken === undefined) refuseForeignHost(headers['host']);
  const identity = identify(config, tokenOf(headers));
  if (identity === undefined) {
    throw new UnauthorizedException('A valid API token is needed: send it as "Authorization: Bearer <token>".');
  }
  if (!may(identity, policy)) {
    throw new ForbiddenException(
      `This needs another role: "${policy}" is not for ${identity.roles.join(', ')} (${identity.name ?? 'no name'}).`,
    );
  }
  return identity;
}

/**
 * Without a token, being on this machine is the permission. A web page from elsewhere that has its own name resolve to
 * 127.0.0.1 (DNS rebinding) is on this machine, too; its name in the Host header gives it away.
 */
function refuseForeignHost(host: string | string[] | undefined): void {
  const name = typeof host === 'string' ? host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1') : '';
  if (isLoopback(name)) return;
  throw new ForbiddenException(
    'Without an API token only this machine is answered, by the names localhost and 127.0.0.1.',
  );
}
