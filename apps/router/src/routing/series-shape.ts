import { queryPreparedIn, type Transaction } from '#libs/database';
import type { SeriesShape } from './completeness.js';
import type { StudyFacts } from './study-facts.js';

/** Modalities whose series are volumes of parallel slices, one an instance. */
const volumeModalities = new Set(['CT', 'MR', 'PT', 'NM']);
/** With fewer, nobody can tell what the spacing is. */
const slicesMin = 5;
/** Larger series are not looked through for gaps. */
const instancesMax = 5_000;
/** Metadata larger than this is not looked into: functional groups of thousands of frames. */
const metadataBytesMax = 256 * 1024;
/** Slices further apart than so many usual spacings have one missing between them. */
const gapSpacings = 1.5;

export interface InstanceShape {
  /** Image Position (Patient) (0020,0032), Image Orientation (Patient) (0020,0037). */
  position: number[] | null;
  orientation: number[] | null;
  frames: number | null;
  /** Of slides: the tiles that its Total Pixel Matrix takes, for each focal plane and optical path; null: cannot be told. */
  tiles: number | null;
  /** Concatenation UID (0020,9161), and how many instances it has in all (0020,9163). */
  concatenation: string | null;
  concatenationTotal: number | null;
}

/** Shapes of those source series of a study that have one, by their UID: one statement. */
export async function readSeriesShapes(tx: Transaction, study: StudyFacts): Promise<Map<string, SeriesShape>> {
  const kinds = new Map<string, SeriesShape['kind']>();
  for (const series of study.series) {
    if (!series.isSource || series.numberOfInstances > instancesMax) continue;
    const modality = series.modality.trim().toUpperCase();
    if (modality === 'SM') kinds.set(series.seriesInstanceUid, 'tiles');
    else if (volumeModalities.has(modality) && series.numberOfInstances >= slicesMin) {
      kinds.set(series.seriesInstanceUid, 'slices');
    }
  }
  if (kinds.size === 0) return new Map();
  const rows = await queryPreparedIn<{ series_instance_uid: string } & Record<string, unknown>>(
    tx,
    'routing-shapes',
    // Each text is parsed once for all of its elements: a series is looked at again and again while it comes.
    `select e.series_instance_uid, i.number_of_frames as frames,
            j."00200032" -> 'Value' as position, j."00200037" -> 'Value' as orientation,
            (j."00480006" #>> '{Value,0}')::float8 as matrix_columns, (j."00480007" #>> '{Value,0}')::float8 as matrix_rows,
            i.columns, i.rows, (j."00480303" #>> '{Value,0}')::float8 as focal_planes,
            (j."00480302" #>> '{Value,0}')::float8 as optical_paths, j."00209311" #>> '{Value,0}' as organization,
            j."00209161" #>> '{Value,0}' as concatenation, (j."00209163" #>> '{Value,0}')::float8 as concatenation_total
       from series e join instance i using (series_key)
       cross join lateral json_to_record(
         case when octet_length(i.dicom_json) <= $3 then i.dicom_json::json else '{}' end) as j (
           "00200032" json, "00200037" json, "00480006" json, "00480007" json, "00480303" json, "00480302" json,
           "00209311" json, "00209161" json, "00209163" json)
      where e.study_key = $1 and e.series_instance_uid = any($2)`,
    [study.studyKey, [...kinds.keys()], metadataBytesMax],
  );
  const instances = Map.groupBy(rows, (row) => row.series_instance_uid);
  return new Map(
    [...kinds].map(([uid, kind]) => {
      const shapes = (instances.get(uid) ?? []).map(toInstanceShape);
      return [uid, kind === 'tiles' ? tilesShape(shapes) : slicesShape(shapes)];
    }),
  );
}

/** Whether parallel slices have all the same distance. Pure. */
export function slicesShape(instances: readonly InstanceShape[]): SeriesShape {
  const unknown = (text: string): SeriesShape => ({ kind: 'slices', isWhole: undefined, text });
  const [first] = instances;
  const along = first?.orientation;
  if (instances.length < slicesMin || along?.length !== 6) return unknown('no slices to compare');
  const normal = cross(along.slice(0, 3), along.slice(3));
  const places: number[] = [];
  for (const { position, orientation } of instances) {
    const isParallel = orientation?.every((part, index) => Math.abs(part - along[index]!) < 0.01) === true;
    if (position?.length !== 3 || !isParallel) return unknown('its slices are not parallel');
    places.push(dot(position, normal));
  }
  // Phases, echoes and b-values have the same places again.
  const distinct = [...places]
    .sort((a, b) => a - b)
    .filter((place, at, all) => at === 0 || place - all[at - 1]! > 0.01);
  const spacings = distinct.slice(1).map((place, at) => place - distinct[at]!);
  if (spacings.length < slicesMin - 1) return unknown('too few slices to compare');
  const usual = [...spacings].sort((a, b) => a - b)[Math.floor(spacings.length / 2)]!;
  const gaps = spacings.filter((spacing) => spacing > usual * gapSpacings);
  const apart = `${distinct.length} slices ${Math.round(usual * 100) / 100} mm apart`;
  if (gaps.length === 0) return { kind: 'slices', isWhole: true, text: `${apart}, without a gap` };
  const missing = gaps.reduce((sum, gap) => sum + Math.round(gap / usual) - 1, 0);
  return {
    kind: 'slices',
    isWhole: false,
    text: `${apart}, with ${gaps.length} gap${gaps.length > 1 ? 's' : ''} in which ${missing} are missing`,
  };
}

/** Whether each image of a slide has all its tiles, also where a concatenation spreads them over instances. Pure. */
export function tilesShape(instances: readonly InstanceShape[]): SeriesShape {
  let isWhole: boolean | undefined = instances.length > 0 ? true : undefined;
  const problems: string[] = [];
  const parts = Map.groupBy(instances, ({ concatenation }) => concatenation);
  let tiles = 0;
  for (const [concatenation, ofOne] of parts) {
    const images = concatenation === null ? ofOne.map((one) => [one]) : [ofOne];
    for (const image of images) {
      const total = image[0]!.concatenationTotal;
      const frames = image.reduce((sum, one) => sum + (one.frames ?? 0), 0);
      const expected = image[0]!.tiles;
      tiles += frames;
      if (concatenation !== null && total !== null && image.length < total) {
        problems.push(`${image.length} of ${total} parts of an image`);
      } else if (expected !== null && frames < expected) {
        problems.push(`${frames} of ${expected} tiles of an image`);
      } else if (expected === null && (concatenation === null || total === null)) {
        isWhole = undefined;
      }
    }
  }
  if (problems.length > 0) return { kind: 'tiles', isWhole: false, text: problems.slice(0, 3).join(', ') };
  const text = isWhole === true ? `all ${tiles} tiles` : 'how many tiles there should be is not said';
  return { kind: 'tiles', isWhole, text };
}

function toInstanceShape(row: Record<string, unknown>): InstanceShape {
  const number = (name: string): number | null => (typeof row[name] === 'number' ? (row[name] as number) : null);
  const [matrixColumns, matrixRows, columns, rows] = [
    number('matrix_columns'),
    number('matrix_rows'),
    number('columns'),
    number('rows'),
  ];
  // TILED_SPARSE leaves out what is blank: nobody can count on it.
  const canCount = row['organization'] !== 'TILED_SPARSE' && matrixColumns && matrixRows && columns && rows;
  return {
    position: numbers(row['position']),
    orientation: numbers(row['orientation']),
    frames: number('frames'),
    tiles: canCount
      ? Math.ceil(matrixColumns / columns) *
        Math.ceil(matrixRows / rows) *
        Math.max(1, number('focal_planes') ?? 1) *
        Math.max(1, number('optical_paths') ?? 1)
      : null,
    concatenation: typeof row['concatenation'] === 'string' ? row['concatenation'] : null,
    concatenationTotal: number('concatenation_total'),
  };
}

function numbers(values: unknown): number[] | null {
  if (!Array.isArray(values)) return null;
  const found = values.map(Number);
  return found.every(Number.isFinite) ? found : null;
}

function cross([a = 0, b = 0, c = 0]: number[], [d = 0, e = 0, f = 0]: number[]): number[] {
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, part, index) => sum + part * b[index]!, 0);
}
