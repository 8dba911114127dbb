import type { FrameDescription, PresentationLut, VoiWindow } from './frame-description.js';
import { ImageError } from './image-error.js';
import { lookUp } from './lookup-table.js';

/** The brightness, 0 to 1, of a modality value through a window (PS3.3 C.11.2.1.2.1, C.11.2.1.3). */
export function windowFunction(window: VoiWindow): (value: number) => number {
  const { center, width } = window;
  switch (window.function) {
    case 'LINEAR': {
      const from = center - 0.5 - (width - 1) / 2;
      const to = center - 0.5 + (width - 1) / 2;
      return (value) => (value <= from ? 0 : value > to ? 1 : (value - (center - 0.5)) / (width - 1) + 0.5);
    }
    case 'LINEAR_EXACT':
      return (value) =>
        value <= center - width / 2 ? 0 : value > center + width / 2 ? 1 : (value - center) / width + 0.5;
    case 'SIGMOID':
      return (value) => 1 / (1 + Math.exp((-4 * (value - center)) / width));
  }
}

/** The brightness, 0 to 1, of a modality value through a VOI LUT. */
export function voiLutFunction(lut: NonNullable<FrameDescription['voiLut']>): (value: number) => number {
  const highest = 2 ** lut.bits - 1;
  return (value) => lookUp(lut, value) / highest;
}

/** From brightness to brightness, 0 to 1, as a presentation has it (PS3.3 C.11.6): its table begins at the darkest. */
export function presentationFunction(lut: PresentationLut): (brightness: number) => number {
  if (lut === 'IDENTITY') return (brightness) => brightness;
  if (lut === 'INVERSE') return (brightness) => 1 - brightness;
  const highest = 2 ** lut.bits - 1;
  const last = lut.values.length - 1;
  return (brightness) => (lut.values[Math.round(brightness * last)] as number) / highest;
}

/** @throws ImageError invalid-option, for a window that a caller asked for and that maps nothing. */
export function checkWindow({ center, width, function: name }: VoiWindow): void {
  const narrowest = name === 'LINEAR' ? 'at least 1' : 'above 0';
  if (!Number.isFinite(center) || !Number.isFinite(width) || !(name === 'LINEAR' ? width >= 1 : width > 0)) {
    throw new ImageError(
      'invalid-option',
      `The width of a ${name} window must be ${narrowest}, not ${width} (center ${center}).`,
    );
  }
}
