import { execute, query, type Transaction } from '#libs/database';
import { cancelForStudy } from '#libs/workitems';

type Table = 'study' | 'series' | 'instance';

/** The columns two tables of the same shape share, in one order: a column that a migration adds to both is moved, too. */
export async function columnsOf(tx: Transaction, table: Table, without: readonly string[] = []): Promise<string[]> {
  const rows = await query<{ name: string }>(
    tx,
    `select quote_ident(attname) as name from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''
      order by attnum`,
    [table],
  );
  return rows.map((row) => row.name).filter((name) => !without.includes(name));
}

export interface MovedInstances {
  studyKey: number;
  /** Those that lost instances. */
  seriesKeys: number[];
}

/**
 * Moves instances of one study out of the tables that are read, with a copy of their series and study. Counts are not
 * touched: {@link recount} follows.
 */
export async function moveInstances(
  tx: Transaction,
  deletionId: string,
  studyKey: number,
  instanceKeys: readonly number[],
): Promise<MovedInstances> {
  const touched = await query<{ series_key: number }>(
    tx,
    'select distinct series_key from instance where instance_key = any($1) order by series_key',
    [instanceKeys],
  );
  const seriesKeys = touched.map((row) => row.series_key);
  for (const [table, keys] of [
    ['study', [studyKey]],
    ['series', seriesKeys],
  ] as const) {
    const columns = (await columnsOf(tx, table)).join(', ');
    await query(
      tx,
      `insert into deleted_${table} (deletion_id, ${columns})
       select $1, ${columns} from ${table} where ${table}_key = any($2)`,
      [deletionId, keys],
    );
  }
  const columns = (await columnsOf(tx, 'instance')).join(', ');
  await query(
    tx,
    `with gone as (delete from instance where instance_key = any($2) returning *)
     insert into deleted_instance (deletion_id, ${columns}) select $1, ${columns} from gone`,
    [deletionId, instanceKeys],
  );
  return { studyKey, seriesKeys };
}

const distinct = (column: string) =>
  `coalesce(array_agg(distinct ${column} order by ${column}) filter (where ${column} is not null), '{}')`;

/** Counts anew what the series hold: what is gone cannot be taken out of a union. */
export async function recountSeries(tx: Transaction, seriesKeys: readonly number[]): Promise<void> {
  await execute(
    tx,
    `update series se
        set number_of_instances = c.instances, sop_classes = c.sop_classes, transfer_syntaxes = c.transfer_syntaxes,
            version = se.version + 1, updated_at = now()
       from (select k.series_key, count(i.instance_key)::integer as instances,
                    ${distinct('i.sop_class_uid')} as sop_classes,
                    ${distinct('i.transfer_syntax_uid')} as transfer_syntaxes
               from unnest($1::bigint[]) as k (series_key) left join instance i using (series_key)
              group by k.series_key) c
      where se.series_key = c.series_key`,
    [seriesKeys],
  );
}

/** Counts anew what a study holds, by its series and instances. */
export async function recountStudy(tx: Transaction, studyKey: number): Promise<void> {
  await execute(
    tx,
    `update study st
        set number_of_series = s.series, modalities = s.modalities, number_of_instances = i.instances, bytes = i.bytes,
            sop_classes = i.sop_classes, updated_at = now()
       from (select count(*)::integer as series, ${distinct('modality')} as modalities
               from series where study_key = $1) s,
            (select count(*)::integer as instances, coalesce(sum(length), 0)::bigint as bytes,
                    ${distinct('sop_class_uid')} as sop_classes
               from instance where study_key = $1) i
      where st.study_key = $1`,
    [studyKey],
  );
}

/** @returns how many were empty, and went */
export function removeEmptySeries(tx: Transaction, seriesKeys: readonly number[]): Promise<number> {
  return execute(tx, 'delete from series where series_key = any($1) and number_of_instances = 0', [seriesKeys]);
}

/**
 * Takes away a study that holds nothing any more. What waits to be done about it is canceled; what was done keeps its
 * history, and its place should the study come back.
 */
export async function removeStudy(tx: Transaction, studyKey: number): Promise<void> {
  await cancelForStudy(tx, studyKey, 'The study was deleted.');
  await execute(tx, 'update result set study_key = null where study_key = $1', [studyKey]);
  await execute(
    tx,
    `update workitem w set study_key = null, former_study_uid = st.study_instance_uid
       from study st where st.study_key = w.study_key and w.study_key = $1`,
    [studyKey],
  );
  await execute(tx, 'delete from study_routing where study_key = $1', [studyKey]);
  await execute(tx, 'delete from study where study_key = $1', [studyKey]);
}

/**
 * Gives a study that came back what had been done about it, where nothing newer has its place. What was canceled stays
 * where it is: it is asked for anew.
 */
export async function reattachWorkitems(tx: Transaction, studyKey: number, studyInstanceUid: string): Promise<void> {
  await execute(
    tx,
    `update workitem w set study_key = $1, former_study_uid = null
      where w.former_study_uid = $2 and w.state = 'COMPLETED'
        and not exists (
          select from workitem o
           where o.kind = w.kind and o.workitem_key <> w.workitem_key
             and (o.study_key = $1
               or (o.former_study_uid = $2 and o.state = 'COMPLETED' and o.workitem_key > w.workitem_key))
             and (w.kind = 'reading'
               or (o.model_id = w.model_id and o.model_sha256 = w.model_sha256 and o.input_digest = w.input_digest)))`,
    [studyKey, studyInstanceUid],
  );
  await execute(
    tx,
    `update result r set study_key = w.study_key
       from workitem w where w.workitem_uid = r.workitem_uid and w.study_key = $1 and r.study_key is null`,
    [studyKey],
  );
}
