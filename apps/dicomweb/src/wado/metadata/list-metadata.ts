import { type DataSource, query } from '#libs/database';

/** What WADO-RS resources are of. */
export interface WadoTarget {
  study: string;
  series?: string;
  instance?: string;
}

/** So much data set text is held at once; one data set alone may be larger. */
const batchBytesMax = 2 * 1024 * 1024;

/**
 * A value that changes whenever the metadata of the target does: series count their versions, instances have a digest.
 * @returns undefined when there is no such study, series or instance
 */
export async function metadataVersion(db: DataSource, target: WadoTarget): Promise<string | undefined> {
  const rows = await query<{ version: string | null }>(
    db,
    target.instance === undefined
      ? `select string_agg(se.series_key || '.' || se.version, ' ' order by se.series_key) as version
         from study st join series se using (study_key)
         where st.study_instance_uid = $1::text and ($2::text is null or se.series_instance_uid = $2::text)`
      : `select encode(i.sha256, 'hex') || '.' || i.instance_key as version
         from study st join series se using (study_key) join instance i using (series_key)
         where st.study_instance_uid = $1::text and se.series_instance_uid = $2::text and i.sop_instance_uid = $3::text`,
    [target.study, target.series ?? null, ...(target.instance === undefined ? [] : [target.instance])],
  );
  return rows[0]?.version ?? undefined;
}

/**
 * The metadata of all instances of the target as one JSON array (PS3.18 10.4.1.1.2), in the order of their series' and
 * their own numbers. Each data set is the text that was stored with it, never parsed again; they are read a few
 * megabytes at a time.
 */
export async function* listMetadata(db: DataSource, target: WadoTarget): AsyncGenerator<Uint8Array> {
  let separator = '[';
  for (const batch of batches(await listInstances(db, target))) {
    const rows = await query<{ instance_key: number; dicom_json: string }>(
      db,
      `select instance_key, dicom_json from instance where instance_key = any($1::bigint[])`,
      [batch],
    );
    const texts = new Map(rows.map((row) => [row.instance_key, row.dicom_json]));
    let text = '';
    for (const key of batch) {
      const dataSet = texts.get(key);
      // Deleted or replaced since the list was made: it is no longer part of the answer.
      if (dataSet === undefined) continue;
      text += `${separator}${dataSet}`;
      separator = ',';
    }
    if (text !== '') yield Buffer.from(text);
  }
  yield Buffer.from(separator === '[' ? '[]' : ']');
}

interface Listed {
  instance_key: number;
  bytes: number;
}

function listInstances(db: DataSource, target: WadoTarget): Promise<Listed[]> {
  return query(
    db,
    `select i.instance_key, octet_length(i.dicom_json) as bytes
     from study st join series se using (study_key) join instance i using (series_key)
     where st.study_instance_uid = $1::text and ($2::text is null or se.series_instance_uid = $2::text)
       and ($3::text is null or i.sop_instance_uid = $3::text)
     order by se.series_number nulls last, se.series_key, i.instance_number nulls last, i.instance_key`,
    [target.study, target.series ?? null, target.instance ?? null],
  );
}

function* batches(listed: readonly Listed[]): Generator<number[]> {
  let batch: number[] = [];
  let bytes = 0;
  for (const instance of listed) {
    if (batch.length > 0 && bytes + instance.bytes > batchBytesMax) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(instance.instance_key);
    bytes += instance.bytes;
  }
  if (batch.length > 0) yield batch;
}
