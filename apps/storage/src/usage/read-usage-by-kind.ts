import { type DataSource, query } from '#libs/database';

export interface UsageRow {
  /** The nearest tier that has it. */
  tier: string;
  modality: string | null;
  /** In which its instances came, as YYYY-MM. */
  month: string;
  series: number;
  instances: number;
  /** As they came. */
  bytes: number;
  /** What they take: less where frames were compressed on their way. */
  storedBytes: number;
}

/** How much is on which tier, by modality and by the month in which it came; the latest month first. */
export function readUsageByKind(db: DataSource): Promise<UsageRow[]> {
  return query<UsageRow>(
    db,
    `with place as materialized (
       select pack_id, min(array_position(array['hot', 'warm', 'cold'], tier)) as tier
         from location where state = 'ready' group by pack_id)
     select (array['hot', 'warm', 'cold'])[p.tier] as tier, se.modality, to_char(i.created_at, 'YYYY-MM') as month,
            count(distinct i.series_key) as series, count(*) as instances, sum(i.length)::bigint as bytes,
            sum(coalesce(part.stored_length, i.length))::bigint as "storedBytes"
       from instance i join series se using (series_key) join place p using (pack_id)
       left join pack_part part on part.pack_id = i.pack_id and part.pack_offset = i.pack_offset
      group by p.tier, se.modality, month
      order by month desc, p.tier, bytes desc, se.modality`,
  );
}
