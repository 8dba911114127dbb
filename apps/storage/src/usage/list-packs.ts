import { type DataSource, query } from '#libs/database';
import type { Tier } from '../tiering/tiers.js';

export interface ListedPack {
  packId: string;
  bytes: number;
  /** Of the study asked for. */
  instances: number;
  createdAt: string;
  /** Nearest tier first. */
  copies: { tier: Tier; store: string; state: 'ready' | 'retired'; createdAt: string; retiredAt: string | null }[];
}

/** The packs that hold instances of a study, oldest first, and where their copies are. @param limit how many at most */
export function listPacks(db: DataSource, studyInstanceUid: string, limit: number): Promise<ListedPack[]> {
  return query<ListedPack>(
    db,
    `select p.pack_id as "packId", p.bytes, i.instances, p.created_at as "createdAt",
            (select coalesce(json_agg(json_build_object('tier', l.tier, 'store', l.store, 'state', l.state,
                                                        'createdAt', l.created_at, 'retiredAt', l.retired_at)
                      order by array_position(array['hot', 'warm', 'cold'], l.tier), l.created_at), '[]')
               from location l where l.pack_id = p.pack_id) as copies
       from (select pack_id, count(*) as instances
               from instance join study using (study_key)
              where study_instance_uid = $1 group by pack_id) i
       join pack p using (pack_id)
      order by p.created_at, p.pack_id limit $2`,
    [studyInstanceUid, limit],
  );
}
