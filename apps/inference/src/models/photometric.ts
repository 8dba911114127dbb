import type { DicomJson } from '#libs/dicom';
import { number, text } from './read-attributes.js';

/** Whether the picture has colours (PS3.3 C.7.6.3.1.2); a palette makes colours of one sample. */
export function isColour(instance: DicomJson): boolean {
  const interpretation = text(instance, 'PhotometricInterpretation');
  if (interpretation === undefined) return (number(instance, 'SamplesPerPixel') ?? 1) > 1;
  return !/^MONOCHROME[12]$/.test(interpretation);
}

export function photometric(instance: DicomJson): string {
  return text(instance, 'PhotometricInterpretation') ?? 'absent';
}
