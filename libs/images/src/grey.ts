import type { FrameDescription, VoiWindow } from './frame-description.js';
import { modalityFunction } from './modality-values.js';
import type { Pixels } from './pixels.js';
import { presentationFunction, voiLutFunction, windowFunction } from './voi.js';

/** The share of pixels a fitted range leaves out at each end, so that a few extreme ones do not darken the rest. */
const outliers = 0.005;

/**
 * A grey frame as brightness from 0 (black) to 255: modality values through the window asked for, else the frame's first
 * window, else its VOI LUT, else a range fitted to its values. MONOCHROME1 is inverted, so that the result always reads
 * as MONOCHROME2.
 */
export function toGrey(pixels: Pixels, description: FrameDescription, window?: VoiWindow): Uint8Array<ArrayBuffer> {
  const chosen = window ?? description.windows[0];
  const isFitted = chosen === undefined && description.voiLut === undefined;
  const toGrey = brightnessOf(description, isFitted ? fittedWindow(pixels, description) : chosen);
  const { data } = pixels;
  const grey = new Uint8Array(data.length);
  if (
    data instanceof Uint8Array ||
    data instanceof Int8Array ||
    data instanceof Uint16Array ||
    data instanceof Int16Array
  ) {
    // Each value from the lowest to the highest, worked out once. The low bits of a negative value are its index.
    const size = 2 ** (8 * data.BYTES_PER_ELEMENT);
    const table = new Uint8Array(size);
    let [lowest, highest] = [Infinity, -Infinity];
    for (let i = 0; i < data.length; i++) {
      const value = data[i] as number;
      if (value < lowest) lowest = value;
      if (value > highest) highest = value;
    }
    for (let value = lowest; value <= highest; value++) table[value & (size - 1)] = toGrey(value);
    for (let i = 0; i < data.length; i++) grey[i] = table[(data[i] as number) & (size - 1)] as number;
  } else {
    for (let i = 0; i < data.length; i++) grey[i] = toGrey(data[i] as number);
  }
  return grey;
}

/** The brightness, 0 to 255, of a stored value: through that window, or without one through the VOI LUT. */
export function brightnessOf(description: FrameDescription, window: VoiWindow | undefined): (stored: number) => number {
  const { voiLut, presentationLut, photometricInterpretation } = description;
  const toModality = modalityFunction(description);
  const toBrightness = window ? windowFunction(window) : voiLut ? voiLutFunction(voiLut) : windowFunction(allValues);
  // A Presentation LUT says what is bright, whatever the photometric interpretation is (PS3.3 C.11.6).
  const shape = presentationLut ?? (photometricInterpretation === 'MONOCHROME1' ? 'INVERSE' : 'IDENTITY');
  const toPresented = presentationFunction(shape);
  return (stored) => Math.round(toPresented(toBrightness(toModality(stored))) * 255);
}

const allValues: VoiWindow = { center: 0.5, width: 1, function: 'LINEAR_EXACT' };

/** The window that shows most of a frame's values. */
export function fittedWindow(pixels: Pixels, description: FrameDescription): VoiWindow {
  const toModality = modalityFunction(description);
  const [a, b] = storedRange(pixels, description).map(toModality) as [number, number];
  const [low, high] = a <= b ? [a, b] : [b, a];
  // All values are the same: black, as the lowest value of a range always is.
  if (low === high) return { center: low + 0.5, width: 1, function: 'LINEAR_EXACT' };
  return { center: (low + high) / 2, width: high - low, function: 'LINEAR_EXACT' };
}

function storedRange({ data }: Pixels, description: FrameDescription): [number, number] {
  const { bitsStored, pixelRepresentation, sampleType, padding, isSegmentation } = description;
  const isPadding = (value: number): boolean =>
    padding !== undefined && value >= padding.first && value <= padding.last;

  let [lowest, highest] = [Infinity, -Infinity];
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    // Padding says nothing about what is to be seen; nor do the not-a-numbers of floating point maps.
    if (isPadding(value) || !Number.isFinite(value)) continue;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  if (lowest > highest) return [0, 1];
  if (isSegmentation) return [0, Math.max(highest, 1)];
  // Eight bits without a window are meant for the screen as they are, unless they use next to nothing of them.
  const isForScreen = sampleType === 'integer' && bitsStored <= 8 && pixelRepresentation === 0;
  if (isForScreen && highest >= 2 ** bitsStored / 8) return [0, 2 ** bitsStored - 1];
  if (lowest === highest) return [lowest, highest];

  const bins = new Uint32Array(65536);
  const binWidth = (highest - lowest) / 65535;
  let counted = 0;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (isPadding(value) || !Number.isFinite(value)) continue;
    const bin = Math.floor((value - lowest) / binWidth);
    bins[bin] = (bins[bin] as number) + 1;
    counted += 1;
  }
  const at = (bin: number): number => lowest + bin * binWidth;
  let [from, below] = [0, bins[0] as number];
  while (below <= counted * outliers) below += bins[++from] as number;
  let [to, above] = [65535, bins[65535] as number];
  while (above <= counted * outliers) above += bins[--to] as number;
  // Nearly all pixels have one value: then the few others are what there is to see.
  return to > from ? [at(from), at(to)] : [lowest, highest];
}
