const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A span of time in its two useful digits: "45 s", "12 min", "3 h 20 min", "2 d". */
export function formatSpan(milliseconds: number): string {
  const span = Math.abs(milliseconds);
  if (span < minute) return `${Math.floor(span / 1000)} s`;
  if (span < hour) return `${Math.floor(span / minute)} min`;
  if (span < day) {
    const minutes = Math.floor((span % hour) / minute);
    return minutes === 0 || span >= 10 * hour
      ? `${Math.floor(span / hour)} h`
      : `${Math.floor(span / hour)} h ${minutes} min`;
  }
  return `${Math.floor(span / day)} d`;
}

/** How long ago an ISO time was. Clocks differ a little: the near future is now. */
export function formatAgo(iso: string, now: number): string {
  const span = now - Date.parse(iso);
  if (Number.isNaN(span)) return 'unknown';
  return span < 10_000 ? 'just now' : `${formatSpan(span)} ago`;
}

export interface Due {
  text: string;
  /** How far off, without direction. */
  by: string;
  state: 'overdue' | 'soon' | 'later';
}

const soon = 15 * minute;

/** What is left until a deadline. */
export function formatDue(iso: string | null, now: number): Due | undefined {
  const left = iso === null ? Number.NaN : Date.parse(iso) - now;
  if (Number.isNaN(left)) return undefined;
  const by = formatSpan(left);
  return left < 0
    ? { text: 'overdue', by, state: 'overdue' }
    : { text: `in ${by}`, by, state: left < soon ? 'soon' : 'later' };
}
