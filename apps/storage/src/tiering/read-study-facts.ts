import { type DataSource, query } from '#libs/database';
import type { StudyFacts } from './choose-moves.js';

export interface StudyFactsPage {
  facts: StudyFacts[];
  /** Where the next page begins; undefined after the last. */
  next: number | undefined;
}

const tierList = `array['hot', 'warm', 'cold']`;

/**
 * What decides where studies belong, for one page of those that may be due: no instance came for so many days, or they
 * are pinned. A series' tier is that of its packs' nearest copies. Where a farther copy is there, too, somebody has called
 * it back: it then counts as old as that nearer copy, or the next plan would send it away again.
 *
 * It is awaited while an AI workitem is open or routing still waits for more of it. A reading is not waited for: it may
 * never be reported here, and a policy can ask for it.
 *
 * @param after the `next` of the page before; 0 for the first
 * @param daysMin of a study that is not pinned
 */
export async function readStudyFacts(
  db: DataSource,
  daysMin: number,
  after: number,
  limit: number,
): Promise<StudyFactsPage> {
  const rows = await query<StudyFacts & { studyKey: number }>(
    db,
    `with page as materialized (
       select st.study_key, st.study_instance_uid, st.modalities, st.bytes, st.updated_at,
              (select h.tier from study_hold h
                where h.study_instance_uid = st.study_instance_uid and h.kind = 'pin') as pin
         from study st
        where st.study_key > $1
          and (st.updated_at <= now() - $2::float8 * interval '1 day'
            or exists (select from study_hold h
                        where h.study_instance_uid = st.study_instance_uid and h.kind = 'pin'))
        order by st.study_key limit $3)
     select g.study_key as "studyKey", g.study_instance_uid as "studyInstanceUid", g.modalities, g.bytes, g.pin,
            r.specialty,
            extract(epoch from now() - greatest(g.updated_at, s.recalled_at))::float8 / 86400 as "ageDays",
            extract(epoch from now() - coalesce(s.last_read_at, g.updated_at))::float8 / 86400 as "unusedDays",
            coalesce(r.state = 'receiving' and r.last_received_at > now() - interval '1 day', false)
              or exists (select from workitem w where w.study_key = g.study_key and w.kind = 'ai'
                            and w.state in ('SCHEDULED', 'IN PROGRESS')) as "isAwaited",
            exists (select from workitem w where w.study_key = g.study_key and w.kind = 'reading'
                       and w.state = 'COMPLETED') as "isRead",
            exists (select from study_hold h where h.study_instance_uid = g.study_instance_uid
                       and h.kind = 'legal-hold') as "isOnLegalHold",
            coalesce(s.series, '[]') as series
       from page g
       left join study_routing r using (study_key)
       cross join lateral (
         select max(x.recalled_at) as recalled_at, max(x.last_read_at) as last_read_at,
                json_agg(json_build_object('seriesInstanceUid', x.series_instance_uid, 'bytes', x.bytes, 'packs', x.packs,
                  'nearest', (${tierList})[x.nearest], 'farthest', (${tierList})[x.farthest])) as series
           from (select se.series_instance_uid, sum(k.bytes) as bytes, count(*) as packs, min(l.nearest) as nearest,
                        max(l.nearest) as farthest, max(l.recalled_at) as recalled_at, max(k.last_read_at) as last_read_at
                   from series se
                   cross join lateral (
                     select i.pack_id, sum(i.length)::bigint as bytes, max(p.last_read_at) as last_read_at
                       from instance i join pack p using (pack_id)
                      where i.series_key = se.series_key group by i.pack_id) k
                   cross join lateral (
                     select min(array_position(${tierList}, c.tier)) as nearest,
                            case when count(*) > 1
                                 then (array_agg(c.created_at order by array_position(${tierList}, c.tier)))[1]
                            end as recalled_at
                       from location c where c.pack_id = k.pack_id and c.state = 'ready') l
                  where se.study_key = g.study_key and l.nearest is not null
                  group by se.series_key) x) s
      order by g.study_key`,
    [after, Math.min(daysMin, 36_500), limit],
  );
  return {
    facts: rows,
    next: rows.length === limit ? rows.at(-1)!.studyKey : undefined,
  };
}
