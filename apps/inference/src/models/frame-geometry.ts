import type { DicomJson } from '#libs/dicom';
import { items, number, numbers, text } from './read-attributes.js';

type Vector = [number, number, number];

/** Where one slice lies (PS3.3 C.7.6.2): patient coordinates, mm. */
export interface FrameGeometry {
  instance: DicomJson;
  sopInstanceUid: string;
  /** From 1. */
  frameNumber: number;
  rows: number;
  columns: number;
  /** Centre of the first pixel. */
  position: Vector;
  rowDirection: Vector;
  columnDirection: Vector;
  /** Between rows, between columns. */
  pixelSpacing: [number, number];
}

/**
 * The geometry of every frame of an instance: of the image itself, or of the shared and per-frame functional groups of an enhanced
 * object (C.7.6.16).
 *
 * @returns what is missing, in words, where a frame cannot be placed.
 */
export function frameGeometries(instance: DicomJson): FrameGeometry[] | string {
  const sopInstanceUid = text(instance, 'SOPInstanceUID');
  if (sopInstanceUid === undefined) return 'SOPInstanceUID is absent';
  const rows = number(instance, 'Rows');
  const columns = number(instance, 'Columns');
  if (!rows || !columns) return 'Rows or Columns is absent';

  const perFrame = items(instance, 'PerFrameFunctionalGroupsSequence');
  const shared = items(instance, 'SharedFunctionalGroupsSequence')[0] ?? {};
  const frames = number(instance, 'NumberOfFrames') ?? 1;
  if (perFrame.length > 0 && perFrame.length !== frames)
    return `NumberOfFrames is ${frames}, but there are ${perFrame.length} items of functional groups`;
  if (perFrame.length === 0 && frames > 1)
    return 'a multi-frame image without functional groups does not say where its frames lie';

  const result: FrameGeometry[] = [];
  for (let index = 0; index < frames; index++) {
    const group = perFrame[index];
    const macro = (sequence: string): DicomJson =>
      group === undefined ? instance : (items(group, sequence)[0] ?? items(shared, sequence)[0] ?? {});
    const position = numbers(macro('PlanePositionSequence'), 'ImagePositionPatient');
    const orientation = numbers(macro('PlaneOrientationSequence'), 'ImageOrientationPatient');
    const spacing = numbers(macro('PixelMeasuresSequence'), 'PixelSpacing');
    if (!isFinite(position, 3)) return 'ImagePositionPatient is absent or damaged';
    if (!isFinite(orientation, 6)) return 'ImageOrientationPatient is absent or damaged';
    if (!isFinite(spacing, 2) || spacing.some((value) => value <= 0)) return 'PixelSpacing is absent or damaged';
    result.push({
      instance,
      sopInstanceUid,
      frameNumber: index + 1,
      rows,
      columns,
      position: position as Vector,
      rowDirection: orientation.slice(0, 3) as Vector,
      columnDirection: orientation.slice(3) as Vector,
      pixelSpacing: spacing as [number, number],
    });
  }
  return result;
}

/** Unit normal of a slice: the cross product of its row and column directions. */
export function sliceNormal({ rowDirection: [a, b, c], columnDirection: [x, y, z] }: FrameGeometry): Vector {
  const normal: Vector = [b * z - c * y, c * x - a * z, a * y - b * x];
  const length = Math.hypot(...normal) || 1;
  return [normal[0] / length, normal[1] / length, normal[2] / length];
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function isFinite(values: number[], count: number): boolean {
  return values.length === count && values.every(Number.isFinite);
}
