import { type DataSource, query } from '#libs/database';
import type { FastifyRequest } from 'fastify';

/**
 * A study that another suite forwards says through how many it came, before any of it is stored: the router sends it on
 * only so far, and archives that forward to each other in a ring do not go round for ever.
 */
export async function noteHops(db: DataSource, request: FastifyRequest, studyInstanceUid: string): Promise<void> {
  const text = request.headers['x-isocenter-hops'];
  if (typeof text !== 'string' || !/^[1-9]\d{0,3}$/.test(text)) return;
  await query(
    db,
    `insert into forwarded_study as f (study_instance_uid, hops) values ($1, $2)
     on conflict on constraint pk_forwarded_study do update set hops = greatest(f.hops, $2), updated_at = now()`,
    [studyInstanceUid, Number(text)],
  );
}
