import { query, type Transaction } from '#libs/database';
import { announceArrivals } from '#libs/jobs';

export interface KnownInstance {
  sop_instance_uid: string;
  study_instance_uid: string;
  series_instance_uid: string;
  sha256: Buffer;
  dataset_sha256: Buffer;
}

/**
 * One writer a study at a time, until the transaction ends: counts and roll-ups then need no further care. In one order,
 * so that two requests with the same studies wait for each other and not in a circle.
 */
export async function lockStudies(tx: Transaction, studyInstanceUids: string[]): Promise<void> {
  for (const uid of [...new Set(studyInstanceUids)].sort()) {
    await query(tx, 'select pg_advisory_xact_lock(hashtextextended($1, 0))', [uid]);
  }
}

export function findKnown(tx: Transaction, sopInstanceUids: string[]): Promise<KnownInstance[]> {
  return query<KnownInstance>(
    tx,
    `select i.sop_instance_uid, st.study_instance_uid, se.series_instance_uid, i.sha256, i.dataset_sha256
       from instance i join series se using (series_key) join study st on st.study_key = i.study_key
      where i.sop_instance_uid = any($1)`,
    [sopInstanceUids],
  );
}

/** The study has changed: the router looks at it, and sees whether there is something to do. */
export async function announceArrival(tx: Transaction, studyInstanceUids: string[]): Promise<void> {
  await query(
    tx,
    `insert into study_routing (study_key, state, last_received_at)
     select study_key, 'receiving', now() from study where study_instance_uid = any($1)
     on conflict (study_key) do update set state = 'receiving', last_received_at = now(), updated_at = now()`,
    [studyInstanceUids],
  );
  await announceArrivals(tx, studyInstanceUids);
}
