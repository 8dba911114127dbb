import { type DataSource, execute, queryPrepared, queryPreparedIn, type Transaction } from '#libs/database';

/** Whether a study waits to be looked at now. */
export async function hasArrivals(db: DataSource): Promise<boolean> {
  const rows = await queryPrepared(
    db,
    'arrivals-due',
    'select 1 as due from study_arrival where look_at <= clock_timestamp() limit 1',
    [],
  );
  return rows.length > 0;
}

/**
 * Takes studies that are to be looked at now, with all that was said of them so far, and keeps others off them until the
 * transaction ends (as `lockRouting`); who looks at one already is left to it. Rolled back, they wait as before.
 * @returns their keys, in their order
 */
export async function takeArrivals(tx: Transaction, rowsMax: number): Promise<number[]> {
  const rows = await queryPreparedIn<{ study_key: number }>(
    tx,
    'arrivals-take',
    `with due as materialized (
       select distinct study_key from (
         select study_key from study_arrival where look_at <= clock_timestamp()
          order by is_urgent is true desc, look_at limit $1) first),
     mine as materialized (
       select study_key from due where pg_try_advisory_xact_lock(hashtextextended('isocenter:routing', study_key)))
     delete from study_arrival where study_key = any(array(select study_key from mine)) returning study_key`,
    [rowsMax],
  );
  return [...new Set(rows.map((row) => row.study_key))].sort((a, b) => a - b);
}

/**
 * Where more wait than are taken at once, those with an urgent order go first. Whether an order is urgent stands in the
 * data: it is looked up once a row, of the study's first instance, and never where nobody has to wait.
 */
export async function markUrgentArrivals(db: DataSource): Promise<void> {
  await execute(
    db,
    `update study_arrival set is_urgent = coalesce((
              -- Requested Procedure Priority, as basePriority() reads it.
              select i.dicom_json ~* '"00401003":\\{"vr":"SH","Value":\\[" *(STAT|HIGH|URGENT|ASAP)'
                from instance i where i.study_key = study_arrival.study_key limit 1), false)
      where arrival_key in (
        select arrival_key from study_arrival where is_urgent is null and look_at <= clock_timestamp()
           for update skip locked)`,
  );
}

/** Forgets what was said of one study so far, which is being looked at. */
export async function dropArrivals(tx: Transaction, studyKey: number): Promise<void> {
  await execute(tx, 'delete from study_arrival where study_key = $1', [studyKey]);
}

/** Looks at a study again later, and the later the more often that failed. */
export async function postponeArrivals(db: DataSource, studyKey: number): Promise<void> {
  await execute(
    db,
    `update study_arrival
        set attempts = attempts + 1,
            look_at = clock_timestamp() + least(2 ^ least(attempts + 1, 10), 300) * interval '1 second'
      where study_key = $1`,
    [studyKey],
  );
}
