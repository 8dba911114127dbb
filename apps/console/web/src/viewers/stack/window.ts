import { type DicomJson, functionalGroup, numberOf } from '../../dicom/dicom-json.js';
import { tag } from '../../dicom/tags.js';

/** A VOI window in modality units (HU for CT). */
export interface Window {
  center: number;
  width: number;
}

export interface WindowPreset {
  name: string;
  key: string;
  /** undefined: as the image says itself. */
  window: Window | undefined;
}

const asStored: WindowPreset = { name: 'Default', key: '1', window: undefined };

const ctPresets: WindowPreset[] = [
  { name: 'Lung', key: '2', window: { center: -600, width: 1500 } },
  { name: 'Mediastinum', key: '3', window: { center: 40, width: 400 } },
  { name: 'Bone', key: '4', window: { center: 500, width: 2000 } },
  { name: 'Brain', key: '5', window: { center: 40, width: 80 } },
];

/** Fixed windows make sense where the values have a fixed scale, which is CT. */
export function windowPresets(modality: string | undefined): WindowPreset[] {
  return modality === 'CT' ? [asStored, ...ctPresets] : [asStored];
}

/** The window of a frame (from 0), from the image or its functional groups; undefined where it has none. */
export function storedWindow(dataset: DicomJson, frame: number): Window | undefined {
  for (const source of [functionalGroup(dataset, tag.FrameVOILUTSequence, frame), dataset]) {
    const center = numberOf(source, tag.WindowCenter);
    const width = numberOf(source, tag.WindowWidth);
    if (center !== undefined && width !== undefined && width > 0) return { center, width };
  }
  return undefined;
}

/** The window over everything the stored bits can say: where dragging starts when the image names none. */
export function fullWindow(dataset: DicomJson, frame: number): Window {
  const bits = Math.min(numberOf(dataset, tag.BitsStored) ?? 8, 32);
  const isSigned = numberOf(dataset, tag.PixelRepresentation) === 1;
  const transformation = functionalGroup(dataset, tag.PixelValueTransformationSequence, frame) ?? dataset;
  const slope = numberOf(transformation, tag.RescaleSlope) ?? 1;
  const intercept = numberOf(transformation, tag.RescaleIntercept) ?? 0;
  const low = isSigned ? -(2 ** (bits - 1)) : 0;
  const width = 2 ** bits;
  return { center: Math.round((low + width / 2) * slope + intercept), width: Math.max(1, Math.abs(width * slope)) };
}

/** The window after dragging: right widens, down raises the centre (darkens); the step grows with the width. */
export function dragWindow(from: Window, deltaX: number, deltaY: number): Window {
  const step = Math.max(from.width, 20) / 300;
  const precision = from.width < 10 ? 100 : 1;
  const round = (value: number) => Math.round(value * precision) / precision;
  return {
    center: round(from.center + deltaY * step),
    width: Math.max(1 / precision, round(from.width + deltaX * step)),
  };
}
