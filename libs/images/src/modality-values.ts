import type { FrameDescription } from './frame-description.js';
import { ImageError } from './image-error.js';
import { lookUp } from './lookup-table.js';
import type { Pixels } from './pixels.js';

/**
 * What the samples mean: HU for CT, counts, dose; by the Modality LUT or Rescale Slope and Intercept (PS3.3 C.11.1).
 *
 * @returns rows * columns values.
 * @throws ImageError unsupported-pixels for colour.
 */
export function toModalityValues(pixels: Pixels, description: FrameDescription): Float32Array {
  if (pixels.samplesPerPixel !== 1 || !/^MONOCHROME[12]$/.test(pixels.photometricInterpretation)) {
    throw new ImageError(
      'unsupported-pixels',
      `${pixels.photometricInterpretation} images have colours, and no modality values.`,
    );
  }
  const toModality = modalityFunction(description);
  const { data } = pixels;
  const values = new Float32Array(data.length);
  // A loop: from() with a function takes five times as long, and a volume has millions of these.
  for (let at = 0; at < values.length; at++) values[at] = toModality(data[at]!);
  return values;
}

/** The modality value of one stored value. */
export function modalityFunction(description: FrameDescription): (stored: number) => number {
  const { modalityLut, rescaleSlope, rescaleIntercept } = description;
  if (modalityLut) return (stored) => lookUp(modalityLut, stored);
  return (stored) => stored * rescaleSlope + rescaleIntercept;
}
