import { refuseGone } from '#libs/archive';
import { type DataSource, query } from '#libs/database';

/**
 * Tells "nothing matches in this study" from "there is no such study".
 * @returns what is missing, undefined when all is there
 * @throws ArchiveError 'gone' when it was deleted
 */
export async function findMissingParent(
  db: DataSource,
  place: { study?: string; series?: string },
): Promise<'study' | 'series' | undefined> {
  if (place.study === undefined) return undefined;
  const rows = await query<{ has_series: boolean }>(
    db,
    `select $2::text is null or exists (
       select from series se where se.study_key = st.study_key and se.series_instance_uid = $2::text
     ) as has_series
     from study st where st.study_instance_uid = $1::text`,
    [place.study, place.series ?? null],
  );
  if (rows[0]?.has_series === true) return undefined;
  const isSeriesMissing = rows[0] !== undefined;
  await refuseGone(db, {
    studyInstanceUid: place.study,
    ...(isSeriesMissing && place.series !== undefined && { seriesInstanceUid: place.series }),
  });
  return isSeriesMissing ? 'series' : 'study';
}
