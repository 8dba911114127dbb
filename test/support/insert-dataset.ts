import type { DataSource } from '#libs/database';
import type { DicomJson } from '#libs/dicom';
import { instanceColumns, seriesColumns, studyColumns } from '../../libs/archive/src/store/index-rows.js';

const transferSyntaxUid = '1.2.840.10008.1.2.1';

/**
 * A study with one series with one instance, rows only, as the archive would index the data set. Their UIDs are the
 * study's with `.1` and `.1.1`.
 */
export async function insertDataset(
  db: DataSource,
  { studyInstanceUid, sopClassUid, dataset }: { studyInstanceUid: string; sopClassUid: string; dataset: DicomJson },
): Promise<void> {
  const insert = async (table: string, key: string, values: Record<string, unknown>): Promise<unknown> => {
    const columns = Object.keys(values);
    const rows = await db.query(
      `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, at) => `$${at + 1}`).join(', ')}) returning ${key}`,
      Object.values(values),
    );
    return rows[0][key];
  };
  const study = studyColumns(dataset);
  const series = seriesColumns(dataset);
  const sha256 = Buffer.alloc(32);
  const pack_id = await insert('pack', 'pack_id', { pack_id: crypto.randomUUID(), bytes: 1, sha256 });
  const study_key = await insert('study', 'study_key', {
    study_instance_uid: studyInstanceUid,
    ...study,
    modalities: dataset['00080060']?.Value ?? [],
    sop_classes: [sopClassUid],
    number_of_series: 1,
    number_of_instances: 1,
  });
  const series_key = await insert('series', 'series_key', {
    study_key,
    series_instance_uid: `${studyInstanceUid}.1`,
    ...series,
    sop_classes: [sopClassUid],
    transfer_syntaxes: [transferSyntaxUid],
    number_of_instances: 1,
  });
  await insert('instance', 'instance_key', {
    study_key,
    series_key,
    sop_instance_uid: `${studyInstanceUid}.1.1`,
    sop_class_uid: sopClassUid,
    transfer_syntax_uid: transferSyntaxUid,
    ...instanceColumns(dataset, transferSyntaxUid),
    pack_id,
    pack_offset: 0,
    length: 1,
    sha256,
    dataset_sha256: sha256,
    frame_kind: 'none',
  });
}
