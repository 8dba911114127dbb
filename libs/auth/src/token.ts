import { createHash, timingSafeEqual } from 'node:crypto';
import type { Config } from '#libs/config';
import { everything, type Identity } from './identity.js';

export const sessionCookie = 'isocenter_token';

/**
 * Whose token it is. Without a configured token it is everybody's: the suite then answers on loopback only.
 * @returns undefined: nobody's
 */
export function identify(config: Config, token: string | undefined): Identity | undefined {
  if (config.apiToken === undefined) return everything;
  if (token === undefined) return undefined;
  const digest = sha256(token);
  if (timingSafeEqual(digest, sha256(config.apiToken))) return everything;
  // Digests of long random tokens: what the comparison's time tells of them is of no use to anybody.
  const hex = digest.toString('hex');
  return config.accounts.find((account) => account.sha256 === hex);
}

/** The token of a request: `Authorization: Bearer …`, or the cookie a browser session carries. */
export function tokenOf(headers: Record<string, string | string[] | undefined>): string | undefined {
  const authorization = headers['authorization'];
  const bearer = typeof authorization === 'string' ? /^Bearer (\S+)$/i.exec(authorization)?.[1] : undefined;
  if (bearer !== undefined) return bearer;
  const cookie = headers['cookie'];
  const value =
    typeof cookie === 'string' ? new RegExp(`(?:^|; *)${sessionCookie}=([^;]*)`).exec(cookie)?.[1] : undefined;
  return value === undefined ? undefined : decoded(value);
}

/** A cookie that is not ours may hold anything. */
function decoded(value: string): string | undefined {
  try {
    return decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
