import type { Priority, WorklistItem } from '../api/worklist-item.js';

const rank: Record<Priority, number> = { HIGH: 0, MEDIUM: 1, LOW: 2 };

/**
 * The server's order: priority, then deadline (none last), then arrival; behind it what is over, the latest first. The
 * workitem UID settles ties.
 */
export function compareWorklistItems(a: WorklistItem, b: WorklistItem): number {
  return (
    rankOf(a) - rankOf(b) ||
    (isOver(a) ? compareTimes(b.finishedAt, a.finishedAt) : compareTimes(a.deadline, b.deadline)) ||
    compareTimes(a.receivedAt, b.receivedAt) ||
    (a.workitemUid < b.workitemUid ? -1 : a.workitemUid > b.workitemUid ? 1 : 0)
  );
}

/** The list with one item replaced or inserted where it belongs. The other items keep the order they came in. */
export function placeWorklistItem(items: readonly WorklistItem[], item: WorklistItem): WorklistItem[] {
  const others = items.filter((other) => other.studyInstanceUid !== item.studyInstanceUid);
  const at = others.findIndex((other) => compareWorklistItems(item, other) < 0);
  return at < 0 ? [...others, item] : [...others.slice(0, at), item, ...others.slice(at)];
}

/** The next page behind what is loaded; what moved between the two requests is not listed twice. */
export function appendWorklistPage(items: readonly WorklistItem[], page: readonly WorklistItem[]): WorklistItem[] {
  const known = new Set(items.map((item) => item.studyInstanceUid));
  return [...items, ...page.filter((item) => !known.has(item.studyInstanceUid))];
}

const isOver = ({ state }: WorklistItem): boolean => state === 'COMPLETED' || state === 'CANCELED';
const rankOf = (item: WorklistItem): number => (isOver(item) ? 3 : rank[item.priority]);

function compareTimes(a: string | null, b: string | null): number {
  const [left, right] = [a, b].map((time) => (time === null ? Number.POSITIVE_INFINITY : Date.parse(time)));
  return left === right ? 0 : left! < right! ? -1 : 1;
}
