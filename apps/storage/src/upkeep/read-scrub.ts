import { type DataSource, query } from '#libs/database';

export interface ScrubReport {
  /** Within so many days the digest of every copy is compared. */
  days: number;
  copies: number;
  copiesDone: number;
  bytes: number;
  bytesDone: number;
  bytesLeft: number;
  /** Of the bytes, those compared within the days. */
  percent: number;
  /** The copy that was not compared for longest. */
  oldestAt: string | null;
  bytesPerSecond: number;
  /** What all of it takes at that rate: more than `days` is too slow. */
  daysNeeded: number;
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
    bytes,
    bytesDone,
    bytesLeft: bytes - bytesDone,
    percent: bytes === 0 ? 100 : Math.floor((1_000 * bytesDone) / bytes) / 10,
    oldestAt,
    bytesPerSecond: scrubBytesPerSecond,
    daysNeeded: Math.round((100 * bytes) / scrubBytesPerSecond / 86_400) / 100,
    damaged,
  };
}
