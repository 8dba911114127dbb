import type { DicomJson } from '#libs/dicom';
import type { Candidate } from './candidate.js';
import { isColour, photometric } from './photometric.js';
import type { ImageInput } from './manifest.js';
import { number, text } from './read-attributes.js';

/** The pictures of a series, largest first; as many as the model takes. A multi-frame instance is as many pictures. */
export function selectImages(spec: ImageInput, seriesInstanceUid: string, instances: DicomJson[]): Candidate {
  const pictures: { instance: DicomJson; sopInstanceUid: string; frames: number; pixels: number }[] = [];
  let reason = 'no image is in it';
  for (const instance of instances) {
    const sopInstanceUid = text(instance, 'SOPInstanceUID');
    const [rows, columns] = [number(instance, 'Rows'), number(instance, 'Columns')];
    if (sopInstanceUid === undefined || !rows || !columns) continue;
    if (isColour(instance) !== (spec.colour === 'colour')) {
      reason = `PhotometricInterpretation is ${photometric(instance)}, a ${spec.colour} picture is needed`;
      continue;
    }
    pictures.push({
      instance,
      sopInstanceUid,
      frames: number(instance, 'NumberOfFrames') ?? 1,
      pixels: rows * columns,
    });
  }
  const count = pictures.reduce((sum, { frames }) => sum + frames, 0);
  if (count === 0) return { unsuitable: reason };
  if (count < spec.images.atLeast) return { unsuitable: `${count} images, at least ${spec.images.atLeast} are needed` };
  if (spec.images.atMost > 1 && count > spec.images.atMost)
    return { unsuitable: `${count} images, at most ${spec.images.atMost} are taken` };
  // The UID only makes the choice the same whatever the order of arrival.
  pictures.sort(
    (a, b) =>
      b.pixels - a.pixels ||
      (number(a.instance, 'InstanceNumber') ?? 0) - (number(b.instance, 'InstanceNumber') ?? 0) ||
      (a.sopInstanceUid < b.sopInstanceUid ? -1 : 1),
  );
  if (spec.images.atMost === 1 && pictures[0]!.frames > 1)
    return { unsuitable: `an image of ${pictures[0]!.frames} frames, one picture is needed` };
  const taken = spec.images.atMost === 1 ? pictures.slice(0, 1) : pictures;
  return {
    input: {
      seriesInstanceUid,
      instances: taken.map(({ instance }) => instance),
      frames: taken.flatMap(({ sopInstanceUid, frames }) =>
        Array.from({ length: frames }, (_, index) => ({ sopInstanceUid, frameNumber: index + 1 })),
      ),
      bulkData: [],
    },
    size: taken[0]!.pixels,
  };
}
