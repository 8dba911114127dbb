import { type DataSource, queryPrepared } from '#libs/database';
import type { DicomJson } from '#libs/dicom';
import {
  areParallel,
  blendedSets,
  type BlendedSet,
  ImageError,
  type Plane,
  planeAttributes,
  readPlane,
  sharesOf,
} from '#libs/images';
import { HttpProblem } from '#libs/server';
import { loadPictureInstance, type PictureInstance } from './load-picture-instance.js';
import type { PresentedInstance } from './find-presented.js';

/** References of one set that are looked at. */
const referencesMax = 2000;
/** Of instances of many frames, whose datasets are read whole to know where each frame lies. */
const multiFrameMax = 4;

/** A frame that lies over another, or its share of what does. */
export interface Superimposed {
  instance: PictureInstance;
  /** Counting from 0. */
  frameIndex: number;
  plane: Plane;
  share: number;
}

/** A frame that is here, and where it lies. */
interface PlacedFrame {
  seriesInstanceUid: string;
  sopInstanceUid: string;
  /** Counting from 0. */
  frameIndex: number;
  plane: Plane;
}

/**
 * The image that stands for a blending presentation state: of those below that others lie over, the one nearest to the middle.
 * @throws ImageError
 */
export async function findUnderlying(db: DataSource, state: PictureInstance): Promise<PresentedInstance> {
  const { underlying, superimposed } = blendedSets(state.dataset);
  const below = await placedFrames(db, underlying);
  const above = await placedFrames(db, superimposed);
  if (below.length === 0 || above.length === 0) {
    throw new ImageError(
      'no-pixels',
      `It is a blending presentation state, and none of the images that are to be ${below.length === 0 ? 'underneath' : 'superimposed'} is here and says where it lies in the patient.`,
    );
  }
  const chosen = await middleCovered(below, above);
  if (chosen === undefined) {
    throw new ImageError(
      'no-pixels',
      'It is a blending presentation state, and none of its images lies over another: images are blended here that have a frame of reference in common and parallel planes; registrations are not applied.',
    );
  }
  const { seriesInstanceUid, sopInstanceUid, frameIndex } = chosen;
  const target = { studyInstanceUid: underlying.studyInstanceUid, seriesInstanceUid, sopInstanceUid };
  const instance = await loadPictureInstance(db, target, frameIndex);
  if (instance === undefined) throw new HttpProblem(404, 'Not Found', 'The image has been deleted meanwhile.');
  refuseOthers(state, instance);
  return { instance, frameNumber: frameIndex + 1 };
}

/**
 * What a blending presentation state lays over a frame of one of its images; nothing where none of it reaches.
 * @throws ImageError mismatch for an image that the state is not about, or of another patient
 */
export async function findSuperimposed(
  db: DataSource,
  state: PictureInstance,
  under: PictureInstance,
  frameIndex: number,
): Promise<Superimposed[]> {
  const { underlying, superimposed } = blendedSets(state.dataset);
  const isIts = underlying.references.some(({ sopInstanceUid }) => sopInstanceUid === under.sopInstanceUid);
  const plane = readPlane(under.dataset, frameIndex);
  if (!isIts || plane === undefined) {
    throw new ImageError(
      'mismatch',
      isIts
        ? 'The image does not say where it lies in the patient, which blending it takes.'
        : 'The image is not one of those that the blending presentation state has underneath.',
    );
  }
  refuseOthers(state, under);
  const frames = await placedFrames(db, superimposed);
  const beside = frames.filter((frame) => isBeside(plane, frame.plane));
  const shares = sharesOf(
    plane,
    beside.map((frame) => frame.plane),
  );
  const found: Superimposed[] = [];
  for (const { index, share } of shares) {
    const { seriesInstanceUid, sopInstanceUid, frameIndex: at, plane: over } = beside[index]!;
    const target = { studyInstanceUid: superimposed.studyInstanceUid, seriesInstanceUid, sopInstanceUid };
    const instance = await loadPictureInstance(db, target, at);
    if (instance === undefined) continue;
    refuseOthers(state, instance);
    found.push({ instance, frameIndex: at, plane: over, share });
  }
  return found;
}

/** Images looked at before others have their turn. */
const imagesAtATime = 20;

async function middleCovered(
  below: readonly PlacedFrame[],
  above: readonly PlacedFrame[],
): Promise<PlacedFrame | undefined> {
  const middle = below.length >> 1;
  for (let step = 0; step <= below.length; step++) {
    if (step % imagesAtATime === imagesAtATime - 1) await new Promise(setImmediate);
    // The middle, the one behind it, the one before it, and so on.
    const frame = below[middle + (step % 2 === 0 ? -step / 2 : (step + 1) / 2)];
    if (frame && sharesOf(frame.plane, planesBeside(frame.plane, above)).length > 0) return frame;
  }
  return undefined;
}

const isBeside = (under: Plane, over: Plane): boolean =>
  under.frameOfReferenceUid === over.frameOfReferenceUid && areParallel(under, over);

const planesBeside = (under: Plane, frames: readonly PlacedFrame[]): Plane[] =>
  frames.map(({ plane }) => plane).filter((plane) => isBeside(under, plane));

/**
 * References go by UID, and one study's may lead to another's: never to another patient's. Who it is that has no Patient ID
 * nobody knows: then only their own study is theirs.
 * @throws ImageError mismatch
 */
function refuseOthers(state: PictureInstance, image: PictureInstance): void {
  const patientOf = ({ dataset }: PictureInstance): unknown => dataset['00100020']?.Value?.[0];
  const patient = patientOf(state);
  if (patient !== patientOf(image)) {
    throw new ImageError(
      'mismatch',
      'The blending presentation state and an image of its own are of different patients.',
    );
  }
  if (patient === undefined && state.studyInstanceUid !== image.studyInstanceUid) {
    throw new ImageError(
      'mismatch',
      'The blending presentation state and an image of its own are of different studies, and no Patient ID says that these are of one patient.',
    );
  }
}

/** Those frames of a set that are here and say where they lie, in the set's order. */
async function placedFrames(db: DataSource, { studyInstanceUid, references }: BlendedSet): Promise<PlacedFrame[]> {
  const known = references.slice(0, referencesMax);
  const rows = await queryPrepared<{
    seriesInstanceUid: string;
    sopInstanceUid: string;
    numberOfFrames: number;
    dataset: DicomJson | null;
  }>(
    db,
    'blended-planes',
    `select se.series_instance_uid as "seriesInstanceUid", i.sop_instance_uid as "sopInstanceUid",
       coalesce(i.number_of_frames, 1) as "numberOfFrames",
       case when coalesce(i.number_of_frames, 1) = 1 then
         (select json_object_agg(key, value) from json_each(i.dicom_json::json) where key = any($3)) end as dataset
     from study st join series se using (study_key) join instance i using (series_key)
     where st.study_instance_uid = $1::text and i.sop_instance_uid = any($2::text[]) and i.frame_kind <> 'none'`,
    [studyInstanceUid, known.map(({ sopInstanceUid }) => sopInstanceUid), [...planeAttributes]],
  );
  const here = new Map(rows.map((row) => [row.sopInstanceUid, row]));
  const frames: PlacedFrame[] = [];
  let read = 0;
  for (const { sopInstanceUid, frameNumbers } of known) {
    const row = here.get(sopInstanceUid);
    if (row === undefined) continue;
    const { seriesInstanceUid, numberOfFrames } = row;
    const isLarge = numberOfFrames > 1;
    if (isLarge && ++read > multiFrameMax) continue;
    const target = { studyInstanceUid, seriesInstanceUid, sopInstanceUid };
    const dataset = isLarge ? (await loadPictureInstance(db, target))?.dataset : row.dataset;
    const wanted = frameNumbers.length > 0 ? frameNumbers : Array.from({ length: numberOfFrames }, (_, at) => at + 1);
    for (const frameNumber of wanted) {
      const plane = readPlane(dataset ?? {}, frameNumber - 1);
      const isThere = frameNumber >= 1 && frameNumber <= numberOfFrames;
      if (plane && isThere) frames.push({ seriesInstanceUid, sopInstanceUid, frameIndex: frameNumber - 1, plane });
    }
  }
  return frames;
}
