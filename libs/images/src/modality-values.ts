import type { FrameDescription } from './frame-description.js';
import { ImageError } from './image-error.js';
import { lookUp } from './lookup-table.js';
import type { Pixels } from './pixels.js';

/**
 * What the samples mean: HU for CT, counts, dose; by the Modality LUT or Rescale Slope and Intercept (PS3.3 C.11.1).
 *
 * @param into is written and given back; of a volume each slice has its place
 * @returns rows * columns values.
 * @throws ImageError unsupported-pixels for colour.
 */
export function toModalityValues(pixels: Pixels, description: FrameDescription, into?: Float32Array): Float32Array {
  if (pixels.samplesPerPixel !== 1 || !/^MONOCHROME[12]$/.test(pixels.photometricInterpretation)) {
    throw new ImageError(
      'unsupported-pixels',
      `${pixels.photometricInterpretation} images have colours, and no modality values.`,
    );
  }
  const { data } = pixels;
  const values = into ?? new Float32Array(data.length);
  const { modalityLut, rescaleSlope, rescaleIntercept } = description;
  // Loops: from() with a function takes five times as long, a call for each value twice, and a volume has millions of these.
  if (modalityLut) for (let at = 0; at < values.length; at++) values[at] = lookUp(modalityLut, data[at]!);
  else if (rescaleSlope === 1 && rescaleIntercept === 0) values.set(data);
  else for (let at = 0; at < values.length; at++) values[at] = data[at]! * rescaleSlope + rescaleIntercept;
  return values;
}

/** The modality value of one stored value. */
export function modalityFunction(description: FrameDescription): (stored: number) => number {
  const { modalityLut, rescaleSlope, rescaleIntercept } = description;
  if (modalityLut) return (stored) => lookUp(modalityLut, stored);
  return (stored) => stored * rescaleSlope + rescaleIntercept;
}
