import { type DataSource, query } from '#libs/database';
import { type Progress, progressOf } from '../usage/progress.js';
import { readAskedScrub } from './asked-scrub.js';

/** Of the bytes, those are done that were compared within the days. */
export interface ScrubReport extends Progress {
  /** Within so many days the digest of every copy is compared. */
  days: number;
  copies: number;
  copiesDone: number;
  /** The copy that was not compared for longest. */
  oldestAt: string | null;
  bytesPerSecond: number;
  /** What all of it takes at that rate: more than `days` is too slow. */
  daysNeeded: number;
  /** How far that has come which somebody asked for; null when nothing of it is left. */
  asked: (Progress & { at: string; copiesLeft: number }) | null;
  /** Copies that are damaged and could not be repaired; the first hundred. */
  damaged: { packId: string; tier: string; store: string; key: string; damage: string; verifiedAt: string }[];
}

/** How far comparing digests has come. */
export async function readScrub(
  db: DataSource,
  { scrubDays, scrubBytesPerSecond }: { scrubDays: number; scrubBytesPerSecond: number },
): Promise<ScrubReport> {
  const [row] = await query<{
    copies: number;
    done: number;
    bytes: number;
    bytesDone: number;
    oldestAt: string | null;
  }>(
    db,
    `select count(*) as copies, count(*) filter (where f.is_fresh) as done, coalesce(sum(p.bytes), 0)::bigint as bytes,
            coalesce(sum(p.bytes) filter (where f.is_fresh), 0)::bigint as "bytesDone",
            min(coalesce(l.verified_at, l.created_at)) as "oldestAt"
       from location l join pack p using (pack_id)
       cross join lateral (
         select coalesce(l.verified_at, l.created_at) > now() - $1::float8 * interval '1 day' as is_fresh) f
      where l.state = 'ready'`,
    [scrubDays],
  );
  const damaged = await query<ScrubReport['damaged'][number]>(
    db,
    `select pack_id as "packId", tier, store, key, damage, verified_at as "verifiedAt" from location
      where damage is not null order by location_id limit 100`,
  );
  const { copies, done, bytes, bytesDone, oldestAt } = row!;
  return {
    days: scrubDays,
    copies,
    copiesDone: done,
    ...progressOf(bytes, bytesDone),
    oldestAt,
    bytesPerSecond: scrubBytesPerSecond,
    daysNeeded: Math.round((100 * bytes) / scrubBytesPerSecond / 86_400) / 100,
    asked: await readAsked(db),
    damaged,
  };
}

async function readAsked(db: DataSource): Promise<ScrubReport['asked']> {
  const asked = await readAskedScrub(db);
  if (asked === undefined) return null;
  const [row] = await query<{ copiesLeft: number; bytesLeft: number; bytesDone: number }>(
    db,
    `select count(*) filter (where f.compared_at <= $2) as "copiesLeft",
            coalesce(sum(p.bytes) filter (where f.compared_at <= $2), 0)::bigint as "bytesLeft",
            coalesce(sum(p.bytes) filter (where l.created_at <= $1 and f.compared_at > $1), 0)::bigint as "bytesDone"
       from location l join pack p using (pack_id)
       cross join lateral (select coalesce(l.verified_at, l.created_at) as compared_at) f
      where l.state = 'ready'`,
    [asked.at, asked.notSince],
  );
  const { copiesLeft, bytesLeft, bytesDone } = row!;
  return copiesLeft === 0 ? null : { at: asked.at, copiesLeft, ...progressOf(bytesDone + bytesLeft, bytesDone) };
}
