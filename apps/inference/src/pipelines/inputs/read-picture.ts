import { toModalityValues, toPicture } from '#libs/images';
import type { PictureStep } from '../../models/manifest.js';
import { ModelError } from '../../models/model-error.js';
import { numbers } from '../../models/read-attributes.js';
import { applyPictureStep, type Picture, untransformed } from '../pictures/picture.js';
import type { DecodedFrame } from './read-frame.js';

/**
 * A frame after the preprocessing of pictures: its first step says what the stored values mean, the others follow.
 *
 * @throws ModelError 'invalid-input'
 */
export function preparePicture(frame: DecodedFrame, steps: readonly PictureStep[]): Picture {
  let picture = firstValues(frame, steps[0]!);
  for (const step of steps) {
    if (step.step === 'modality-values' || step.step === 'voi-window') continue;
    picture = applyPictureStep(picture, step);
  }
  return picture;
}

function firstValues(frame: DecodedFrame, first: PictureStep): Picture {
  const { pixels, description } = frame;
  const { rows, columns } = pixels;
  const spacingMm = pictureSpacing(frame);
  const grey = (data: Float32Array): Picture => ({
    data,
    channels: 1,
    rows,
    columns,
    spacingMm,
    transform: untransformed,
  });
  if (first.step === 'modality-values') return grey(readModalityValues(frame));
  try {
    const window =
      first.step === 'voi-window' && first.center !== undefined && first.width !== undefined
        ? ({ center: first.center, width: first.width, function: 'LINEAR' } as const)
        : undefined;
    const shown = toPicture(pixels, description, window);
    if (shown.channels === 1) return grey(Float32Array.from(shown.data));
    const plane = rows * columns;
    const data = new Float32Array(3 * plane);
    for (let at = 0; at < plane; at++)
      for (let channel = 0; channel < 3; channel++) data[channel * plane + at] = shown.data[at * 3 + channel]!;
    return { data, channels: 3, rows, columns, spacingMm, transform: untransformed };
  } catch (error) {
    throw unreadable(error);
  }
}

/** What the samples mean, row by row. @param into is written and given back @throws ModelError 'invalid-input' */
export function readModalityValues({ pixels, description }: DecodedFrame, into?: Float32Array): Float32Array {
  try {
    return toModalityValues(pixels, description, into);
  } catch (error) {
    throw unreadable(error);
  }
}

function unreadable(error: unknown): ModelError {
  return new ModelError('invalid-input', `A frame cannot be read as the model needs it: ${(error as Error).message}`, {
    cause: error,
  });
}

/** Between rows, between columns, mm: in the patient, or on the detector (PS3.3 10.7.1.3). */
export function pictureSpacing({ instance }: Pick<DecodedFrame, 'instance'>): [number, number] | undefined {
  for (const keyword of ['PixelSpacing', 'ImagerPixelSpacing', 'NominalScannedPixelSpacing']) {
    const [row, column] = numbers(instance, keyword);
    if (row !== undefined && column !== undefined && row > 0 && column > 0) return [row, column];
  }
  return undefined;
}
