import { createHash, timingSafeEqual } from 'node:crypto';
import type { Config } from '#libs/config';

export const sessionCookie = 'isocenter_token';

/** Compares in constant time. Without a configured token everything is right: the suite then answers on loopback only. */
export function checkToken(config: Config, token: string | undefined): boolean {
  if (config.apiToken === undefined) return true;
  return token !== undefined && timingSafeEqual(sha256(token), sha256(config.apiToken));
}

/** The token of a request: `Authorization: Bearer …`, or the cookie a browser session carries. */
export function tokenOf(headers: Record<string, string | string[] | undefined>): string | undefined {
  const authorization = headers['authorization'];
  const bearer = typeof authorization === 'string' ? /^Bearer (\S+)$/i.exec(authorization)?.[1] : undefined;
  if (bearer !== undefined) return bearer;
  const cookie = headers['cookie'];
  const value =
    typeof cookie === 'string' ? new RegExp(`(?:^|; *)${sessionCookie}=([^;]*)`).exec(cookie)?.[1] : undefined;
  return value === undefined ? undefined : decodeURIComponent(value);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
