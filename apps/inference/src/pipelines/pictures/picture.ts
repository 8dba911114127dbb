import type { PictureStep } from '../../models/manifest.js';
import { ModelError } from '../../models/model-error.js';
import type { PictureTransform } from '../batch.js';
import { applyValueStep } from '../normalise.js';

/** Channels one behind the other, each row by row. */
export interface Picture {
  data: Float32Array;
  channels: number;
  rows: number;
  columns: number;
  /** Between rows, between columns. */
  spacingMm: readonly [number, number] | undefined;
  transform: PictureTransform;
}

type AppliedStep = Exclude<PictureStep, { step: 'modality-values' | 'voi-window' }>;
type Interpolation = 'bilinear' | 'bilinear-sharp' | 'nearest';

export const untransformed: PictureTransform = { row: { scale: 1, offset: 0 }, column: { scale: 1, offset: 0 } };

/**
 * One step of preprocessing; the input may be used up.
 *
 * @throws ModelError 'invalid-input'
 */
export function applyPictureStep(picture: Picture, step: AppliedStep): Picture {
  switch (step.step) {
    case 'clip':
    case 'normalise':
      applyValueStep(picture.data, step, picture.channels);
      return picture;
    case 'channels':
      return withChannels(picture, step.order);
    case 'resample':
      return resample(picture, step.millimetres, step.interpolation);
    case 'crop-or-pad':
      return cropOrPad(picture, step.rows, step.columns, step.value);
    case 'resize':
      return resizeAs(picture, step);
  }
}

/** Weights of red, green and blue in luma (ITU-R BT.601). */
const luma = [0.299, 0.587, 0.114] as const;

function withChannels(picture: Picture, order: 'rgb' | 'bgr' | 'grey'): Picture {
  const plane = picture.rows * picture.columns;
  if (order === 'grey') {
    if (picture.channels === 1) return picture;
    const data = new Float32Array(plane);
    for (let at = 0; at < plane; at++)
      data[at] =
        luma[0] * picture.data[at]! + luma[1] * picture.data[plane + at]! + luma[2] * picture.data[2 * plane + at]!;
    return { ...picture, data, channels: 1 };
  }
  if (picture.channels === 3 && order === 'rgb') return picture;
  const data = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    const source = picture.channels === 1 ? 0 : order === 'bgr' ? 2 - channel : channel;
    data.set(picture.data.subarray(source * plane, (source + 1) * plane), channel * plane);
  }
  return { ...picture, data, channels: 3 };
}

function resample(picture: Picture, millimetres: readonly [number, number], interpolation: Interpolation): Picture {
  if (!picture.spacingMm)
    throw new ModelError('invalid-input', 'The picture does not say how large its pixels are (PixelSpacing).');
  const [rows, columns] = [picture.rows, picture.columns].map((size, axis) =>
    Math.max(1, Math.round((size * picture.spacingMm![axis]!) / millimetres[axis]!)),
  ) as [number, number];
  return { ...resize(picture, rows, columns, interpolation), spacingMm: millimetres };
}

function resizeAs(picture: Picture, step: Extract<PictureStep, { step: 'resize' }>): Picture {
  if (step.aspect === 'stretch') return resize(picture, step.rows, step.columns, step.interpolation);
  const factors = [step.rows / picture.rows, step.columns / picture.columns];
  const factor = step.aspect === 'pad' ? Math.min(...factors) : Math.max(...factors);
  const fitted = resize(
    picture,
    Math.max(1, Math.round(picture.rows * factor)),
    Math.max(1, Math.round(picture.columns * factor)),
    step.interpolation,
  );
  return cropOrPad(fitted, step.rows, step.columns, step.value);
}

/** To another size: pixel centres of both pictures cover the same area (half-pixel centres). */
export function resize(picture: Picture, rows: number, columns: number, interpolation: Interpolation): Picture {
  if (rows === picture.rows && columns === picture.columns) return picture;
  const down = taps(picture.rows, rows, interpolation);
  const across = taps(picture.columns, columns, interpolation);
  const data = new Float32Array(picture.channels * rows * columns);
  const narrow = new Float32Array(picture.rows * columns);
  for (let channel = 0; channel < picture.channels; channel++) {
    const source = picture.data.subarray(
      channel * picture.rows * picture.columns,
      (channel + 1) * picture.rows * picture.columns,
    );
    for (let row = 0; row < picture.rows; row++) {
      for (let column = 0; column < columns; column++) {
        const { first, weights } = across[column]!;
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++)
          sum += weights[tap]! * source[row * picture.columns + first + tap]!;
        narrow[row * columns + column] = sum;
      }
    }
    const to = channel * rows * columns;
    for (let row = 0; row < rows; row++) {
      const { first, weights } = down[row]!;
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++) sum += weights[tap]! * narrow[(first + tap) * columns + column]!;
        data[to + row * columns + column] = sum;
      }
    }
  }
  const [byRow, byColumn] = [picture.rows / rows, picture.columns / columns];
  const { spacingMm } = picture;
  return {
    data,
    channels: picture.channels,
    rows,
    columns,
    spacingMm: spacingMm && [spacingMm[0] * byRow, spacingMm[1] * byColumn],
    transform: {
      row: compose(picture.transform.row, byRow, byRow / 2 - 0.5),
      column: compose(picture.transform.column, byColumn, byColumn / 2 - 0.5),
    },
  };
}

interface Taps {
  first: number;
  weights: number[];
}

function taps(from: number, to: number, interpolation: Interpolation): Taps[] {
  const scale = from / to;
  const reach = interpolation === 'bilinear' ? Math.max(1, scale) : 1;
  return Array.from({ length: to }, (_, index) => {
    const centre = (index + 0.5) * scale - 0.5;
    if (interpolation === 'nearest')
      return { first: Math.min(from - 1, Math.floor((index + 0.5) * scale)), weights: [1] };
    // A triangle as wide as an output pixel (at least an input pixel), cut off at the edges.
    const first = Math.max(0, Math.ceil(centre - reach + 1e-9));
    const last = Math.min(from - 1, Math.floor(centre + reach - 1e-9));
    const weights = Array.from({ length: Math.max(1, last - first + 1) }, (_, tap) =>
      Math.max(0, 1 - Math.abs(first + tap - centre) / reach),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (total === 0) return { first: Math.min(from - 1, Math.max(0, Math.round(centre))), weights: [1] };
    return { first, weights: weights.map((weight) => weight / total) };
  });
}

function cropOrPad(picture: Picture, rows: number, columns: number, value: number): Picture {
  if (rows === picture.rows && columns === picture.columns) return picture;
  const top = Math.floor((picture.rows - rows) / 2);
  const left = Math.floor((picture.columns - columns) / 2);
  const data = new Float32Array(picture.channels * rows * columns).fill(value);
  for (let channel = 0; channel < picture.channels; channel++) {
    for (let row = Math.max(0, -top); row < rows && row + top < picture.rows; row++) {
      const source = (channel * picture.rows + row + top) * picture.columns;
      const first = Math.max(0, left);
      const last = Math.min(picture.columns, left + columns);
      if (last > first)
        data.set(picture.data.subarray(source + first, source + last), (channel * rows + row) * columns + first - left);
    }
  }
  return {
    ...picture,
    data,
    rows,
    columns,
    transform: { row: compose(picture.transform.row, 1, top), column: compose(picture.transform.column, 1, left) },
  };
}

function compose(
  { scale, offset }: PictureTransform['row'],
  byScale: number,
  byOffset: number,
): PictureTransform['row'] {
  return { scale: scale * byScale, offset: scale * byOffset + offset };
}
