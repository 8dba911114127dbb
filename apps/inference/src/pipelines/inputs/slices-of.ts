import { frameGeometries, type FrameGeometry } from '../../models/frame-geometry.js';
import type { FetchedInput } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';

/** Where each fetched frame lies, in their order. @throws ModelError 'invalid-input' */
export function slicesOf({ input }: Pick<FetchedInput, 'input'>): FrameGeometry[] {
  const byFrame = new Map<string, FrameGeometry>();
  for (const instance of input.instances) {
    const geometry = frameGeometries(instance);
    if (typeof geometry === 'string') throw new ModelError('invalid-input', `A slice cannot be placed: ${geometry}.`);
    for (const slice of geometry) byFrame.set(`${slice.sopInstanceUid} ${slice.frameNumber}`, slice);
  }
  const slices = input.frames.map(({ sopInstanceUid, frameNumber }) => {
    const slice = byFrame.get(`${sopInstanceUid} ${frameNumber}`);
    if (!slice)
      throw new ModelError('invalid-input', `Frame ${frameNumber} of ${sopInstanceUid} is not in the metadata.`);
    return slice;
  });
  if (slices.length < 2) throw new ModelError('invalid-input', 'A volume has at least two slices.');
  return slices;
}
