const hour = 3_600_000;

/**
 * Between a blob's last byte and the commit of the row that names it lies a STOW transaction, or the reading back of a
 * moved pack (which gives up after half of this). However short the configured grace, a blob is no orphan before.
 */
export const orphanHoursMin = 2;

/**
 * Whether a blob that no location names may be deleted. Its age counts from the later of its two times: some S3 servers
 * date an object by the beginning of its upload.
 */
export function isOverdue(blob: { key: string; modifiedAt: Date }, now: Date, graceHours: number): boolean {
  const bornAt = Math.max(blob.modifiedAt.getTime(), keyTime(blob.key));
  return now.getTime() - bornAt > Math.max(graceHours, orphanHoursMin) * hour;
}

/** When a key was made: the first 48 bits of its UUIDv7, milliseconds since 1970 (RFC 9562 5.7). */
function keyTime(key: string): number {
  return Number.parseInt(key.slice(3, 11) + key.slice(12, 16), 16);
}
