import { type DataSource, queryPrepared } from '#libs/database';
import type { DicomJson } from '#libs/dicom';

/** What a picture of an instance is made by. */
export interface PictureInstance {
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
  sopClassUid: string;
  transferSyntaxUid: string;
  frameKind: 'native' | 'encapsulated' | 'none' | 'unindexable';
  numberOfFrames: number;
  /** Of the instance's bytes: what pictures are told apart by. */
  sha256: string;
  dataset: DicomJson;
}

/** @returns undefined when there is no such instance in that series and study */
export async function loadPictureInstance(
  db: DataSource,
  target: { studyInstanceUid: string; seriesInstanceUid: string; sopInstanceUid: string },
): Promise<PictureInstance | undefined> {
  type Row = Omit<PictureInstance, 'dataset' | keyof typeof target> & { dicom_json: string };
  const rows = await queryPrepared<Row>(
    db,
    'picture-instance',
    `select i.sop_class_uid as "sopClassUid", i.transfer_syntax_uid as "transferSyntaxUid", i.frame_kind as "frameKind",
       coalesce(i.number_of_frames, 1) as "numberOfFrames", encode(i.sha256, 'hex') as sha256, i.dicom_json
     from study st join series se using (study_key) join instance i using (series_key)
     where st.study_instance_uid = $1::text and se.series_instance_uid = $2::text and i.sop_instance_uid = $3::text`,
    [target.studyInstanceUid, target.seriesInstanceUid, target.sopInstanceUid],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const { dicom_json, ...columns } = row;
  return {
    studyInstanceUid: target.studyInstanceUid,
    seriesInstanceUid: target.seriesInstanceUid,
    sopInstanceUid: target.sopInstanceUid,
    ...columns,
    dataset: JSON.parse(dicom_json) as DicomJson,
  };
}
