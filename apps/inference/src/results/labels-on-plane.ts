import { countValues } from '../pipelines/masks/filled-bytes.js';

const known = new WeakMap<ArrayBufferLike, Map<number, Float64Array>>();

/**
 * How often each value, 0 to 255, is on one plane of a mask. Looked at once, however many objects are made of the plane; it must not
 * change after.
 *
 * @param plane row by row
 */
export function labelsOnPlane(plane: Uint8Array): Float64Array {
  const ofBuffer = known.get(plane.buffer) ?? new Map<number, Float64Array>();
  known.set(plane.buffer, ofBuffer);
  const counts = ofBuffer.get(plane.byteOffset) ?? countValues(plane);
  ofBuffer.set(plane.byteOffset, counts);
  return counts;
}
