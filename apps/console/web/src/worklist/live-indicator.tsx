import { formatAgo } from '../format/format-ago.js';

interface LiveIndicatorProps {
  isLive: boolean;
  updatedAt: number | undefined;
  now: number;
}

/** Whether what is on the screen follows what happens, and if not, since when. */
export function LiveIndicator({ isLive, updatedAt, now }: LiveIndicatorProps) {
  const since = updatedAt === undefined ? '' : ` · last update ${formatAgo(new Date(updatedAt).toISOString(), now)}`;
  return (
    <span className={isLive ? 'live live-on' : 'live live-off'} role="status">
      <span className="dot" aria-hidden="true" />
      {isLive ? 'Live' : `Offline, reconnecting${since}`}
    </span>
  );
}
