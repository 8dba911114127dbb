import { createHash, randomUUID } from 'node:crypto';

const uidPattern = /^[0-9]+(?:\.[0-9]+)*$/;

/**
 * Whether a text is a UID as found in real archives: digits and single dots, at most 64 characters (PS3.5 9.1). A
 * component with leading zeros is let through: the standard forbids it, modalities write it, and it harms nothing.
 */
export function isUid(text: string): boolean {
  return text.length <= 64 && uidPattern.test(text);
}

/** A new UID below 2.25, made of a random UUID (PS3.5 B.2). */
export function newUid(): string {
  return `2.25.${BigInt(`0x${randomUUID().replaceAll('-', '')}`)}`;
}

/** The UID below 2.25 that belongs to this text: the same text always gives the same UID. */
export function uidFromHash(text: string): string {
  const bytes = createHash('sha256').update(text, 'utf8').digest().subarray(0, 16);
  // The bits that make it a version 8 UUID (RFC 9562 5.8), so that the UID stays within the rules of PS3.5 B.2.
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return `2.25.${BigInt(`0x${bytes.toString('hex')}`)}`;
}
