import { type DataSource, query } from '#libs/database';
import { presentationStateSopClasses } from '#libs/images';
import { encapsulatedPdf } from './plan-picture.js';

/** What a picture is asked of: a study, one of its series, or one instance. */
export interface PictureTarget {
  studyInstanceUid: string;
  seriesInstanceUid?: string;
  sopInstanceUid?: string;
}

/** An instance that may stand for its series or study. */
export interface Representative {
  seriesInstanceUid: string;
  sopInstanceUid: string;
}

/** PS3.6: the waveforms that are drawn like an ECG. */
export const waveformSopClasses = [
  '1.2.840.10008.5.1.4.1.1.9.1.1',
  '1.2.840.10008.5.1.4.1.1.9.1.2',
  '1.2.840.10008.5.1.4.1.1.9.1.3',
  '1.2.840.10008.5.1.4.1.1.9.2.1',
  '1.2.840.10008.5.1.4.1.1.9.3.1',
];

/** What is laid over images, or made from them, is the last choice for showing them. */
const derivedModalities = ['ANN', 'DOC', 'KO', 'M3D', 'PR', 'REG', 'RTDOSE', 'RTPLAN', 'RTSTRUCT', 'SEG', 'SR'];

/** Without pixels of their own, and yet with a picture. */
const selfPicturedSopClasses = [...waveformSopClasses, encapsulatedPdf];
const picturedSopClasses = [...selfPicturedSopClasses, ...presentationStateSopClasses];

/** How many series are tried before a study counts as one without a picture. */
const representativesMax = 5;

/**
 * The instances that best show a series or study, the best first: the middle one of each series, by series number, those
 * with pixels before waveforms, acquired images before what was derived from them.
 */
export function findRepresentatives(db: DataSource, target: PictureTarget): Promise<Representative[]> {
  return query(
    db,
    `with candidate as (
       select se.series_instance_uid, i.sop_instance_uid, se.series_number, se.series_key, se.modality,
         i.frame_kind <> 'none' as has_pixels,
         row_number() over (partition by i.series_key order by i.instance_number nulls last, i.instance_key) as position,
         count(*) over (partition by i.series_key) as of_series
       from study st join series se using (study_key) join instance i using (series_key)
       where st.study_instance_uid = $1::text and ($2::text is null or se.series_instance_uid = $2::text)
         and (i.frame_kind <> 'none' or i.sop_class_uid = any($3::text[]))
     )
     select series_instance_uid as "seriesInstanceUid", sop_instance_uid as "sopInstanceUid"
     from candidate
     where position = of_series / 2 + 1
     order by has_pixels desc, modality = any($4::text[]), series_number nulls last, series_key
     limit ${representativesMax}`,
    [target.studyInstanceUid, target.seriesInstanceUid ?? null, picturedSopClasses, derivedModalities],
  );
}

/**
 * All instances of a series or study that may have a picture, in their order; of a study without its presentation states,
 * which show again what is there.
 * @param limit how many at most
 */
export function findPictured(db: DataSource, target: PictureTarget, limit: number): Promise<Representative[]> {
  return query(
    db,
    `select se.series_instance_uid as "seriesInstanceUid", i.sop_instance_uid as "sopInstanceUid"
     from study st join series se using (study_key) join instance i using (series_key)
     where st.study_instance_uid = $1::text and ($2::text is null or se.series_instance_uid = $2::text)
       and (i.frame_kind <> 'none' or i.sop_class_uid = any($3::text[]))
     order by se.series_number nulls last, se.series_key, i.instance_number nulls last, i.instance_key
     limit $4::integer`,
    [
      target.studyInstanceUid,
      target.seriesInstanceUid ?? null,
      target.seriesInstanceUid === undefined ? selfPicturedSopClasses : picturedSopClasses,
      limit,
    ],
  );
}
