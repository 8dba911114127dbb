import { type DataSource, query } from '#libs/database';
import type { PackFacts, Tier, TieringPolicy } from './choose-moves.js';

export interface PackFactsPage {
  facts: PackFacts[];
  /** Where the next page begins; undefined after the last. */
  next: string | undefined;
}

/** Before every pack. */
export const firstPage = '00000000-0000-0000-0000-000000000000';

/**
 * What decides where packs belong, for one page of those that may be due: on a tier above the last one that has a store,
 * and stored long enough ago. A pack cannot be older by its studies than by itself, so most are passed over without a
 * look at their instances. All ages are by the database's clock.
 *
 * A pack's tier is that of its nearest copy. Where a farther one is there, too, somebody has called the pack back: it
 * then counts as old as that nearer copy, or the next plan would send it away again. It is awaited while an AI workitem
 * of one of its studies is open. A reading is not waited for: it may never be reported here, and a pack on a farther tier
 * is read all the same.
 *
 * @param after the `next` of the page before
 */
export async function readPackFacts(
  db: DataSource,
  { warmAfterDays, coldAfterDays, available }: TieringPolicy,
  after: string,
  limit: number,
): Promise<PackFactsPage> {
  // Days in the archive before which a pack on that tier cannot be due.
  const earliest: [Tier, number][] = [
    ...(available.length > 1 ? [['hot', available.includes('warm') ? warmAfterDays : coldAfterDays] as const] : []),
    ...(available.includes('cold') ? [['warm', coldAfterDays] as const] : []),
  ].map(([tier, days]) => [tier, days]);
  const facts = await query<PackFacts>(
    db,
    `select p.pack_id as "packId", l.tier,
            extract(epoch from now() - greatest(coalesce(f.updated_at, p.created_at),
                                                case when l.is_recalled then l.created_at end))::float8 / 86400
              as "ageDays",
            coalesce(f.is_awaited, false) as "isAwaited"
       from pack p
       cross join lateral (
         select c.tier, c.created_at, count(*) over () > 1 as is_recalled
           from location c
          where c.pack_id = p.pack_id and c.state = 'ready'
          order by array_position(array['hot', 'warm', 'cold'], c.tier) limit 1) l
       join unnest($1::text[], $2::float8[]) as e (tier, days)
         on e.tier = l.tier and p.created_at <= now() - e.days * interval '1 day'
       left join lateral (
         select max(st.updated_at) as updated_at,
                bool_or(exists (select from workitem w
                                 where w.study_key = st.study_key and w.kind = 'ai'
                                   and w.state in ('SCHEDULED', 'IN PROGRESS'))) as is_awaited
           from (select distinct study_key from instance i where i.pack_id = p.pack_id) i
           join study st using (study_key)) f on true
      where p.pack_id > $3
      order by p.pack_id limit $4`,
    [earliest.map(([tier]) => tier), earliest.map(([, days]) => days), after, limit],
  );
  return { facts, next: facts.length === limit ? facts.at(-1)!.packId : undefined };
}
