import { randomBytes } from 'node:crypto';

/**
 * A fresh key: `<2 hex>/<UUIDv7>` (RFC 9562 5.7). The time in front keeps neighbours in time together in listings; the
 * folder is taken from the random end, so that all folders fill alike.
 */
export function newBlobKey(now: number = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  return `${hex.slice(30)}/${uuid}`;
}

/** Keys come from our own rows; the check is for a row somebody has tampered with. */
export function isBlobKey(key: string): boolean {
  return /^[0-9a-f]{2}\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(key);
}
