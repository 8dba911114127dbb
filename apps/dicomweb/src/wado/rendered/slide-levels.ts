import { type DataSource, query } from '#libs/database';
import { isReadableJson } from '../../qido/match-sql.js';

/** One instance of a slide's series: a level of the pyramid, or the thumbnail, label or overview beside it. */
export interface SlideLevel {
  sopInstanceUid: string;
  /** The third value of Image Type: VOLUME, THUMBNAIL, LABEL or OVERVIEW. */
  flavor: string | null;
  totalColumns: number | null;
  numberOfFrames: number | null;
}

/** The levels of a whole slide image, the smallest first (PS3.3 C.8.12.4.1.1). */
export function findSlideLevels(
  db: DataSource,
  studyInstanceUid: string,
  seriesInstanceUid: string,
): Promise<SlideLevel[]> {
  return query(
    db,
    `select i.sop_instance_uid as "sopInstanceUid", i.number_of_frames as "numberOfFrames",
       i.dicom_json::json #>> '{00080008,Value,2}' as flavor,
       (i.dicom_json::json #>> '{00480006,Value,0}')::integer as "totalColumns"
     from study st join series se using (study_key) join instance i using (series_key)
     where st.study_instance_uid = $1::text and se.series_instance_uid = $2::text and i.frame_kind <> 'none'
       and i.sop_class_uid = '1.2.840.10008.5.1.4.1.1.77.1.6' and ${isReadableJson('i.dicom_json')}
     order by 4 nulls last, i.number_of_frames nulls first, i.instance_key
     limit 50`,
    [studyInstanceUid, seriesInstanceUid],
  );
}

/** What shows a slide on a small area: the thumbnail its scanner made, else the smallest level of the pyramid. */
export function smallestPicture(levels: readonly SlideLevel[]): SlideLevel | undefined {
  return levels.find((level) => level.flavor === 'THUMBNAIL') ?? levels.find((level) => level.flavor === 'VOLUME');
}
