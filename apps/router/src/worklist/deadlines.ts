import type { Priority } from '#libs/workitems';

/** Hours from a study's arrival until it should have been read. */
export const hoursToRead: Record<Priority, number> = { HIGH: 1, MEDIUM: 24, LOW: 72 };

/** When a study should have been read. @param ruleMinutes what a rule asks for, if sooner */
export function readingDeadline(arrivedAt: Date, priority: Priority, ruleMinutes: number | null): Date {
  const minutes = Math.min(hoursToRead[priority] * 60, ruleMinutes ?? Number.POSITIVE_INFINITY);
  return new Date(arrivedAt.getTime() + minutes * 60_000);
}
