import type { DicomJson } from '#libs/dicom';
import type { FetchedInput, Region, SourceFrame } from '../models/model.js';
import { number, text } from '../models/read-attributes.js';
import type { Mask } from '../pipelines/masks/mask.js';
import type { InputFacts } from '../pipelines/reducer.js';
import { corners } from './drawing.js';
import { labelsOnPlane } from './labels-on-plane.js';
import { onSource } from './on-source.js';
import { outlineOf } from './outline.js';

interface Label {
  id: string;
  value: number;
}

/** The frame at this index of the input's, as references name it. */
export function sourceFrame({ input }: Pick<FetchedInput, 'input'>, index: number): SourceFrame {
  const { sopInstanceUid, frameNumber } = input.frames[index]!;
  const instance = instanceOf(input.instances, sopInstanceUid);
  return { sopClassUid: (instance && text(instance, 'SOPClassUID')) ?? '', sopInstanceUid, frame: frameNumber };
}

/** Where each label of a mask is seen best. A slide's objects are too many and too small for one outline to tell of them. */
export function outlinesOf(
  mask: Mask,
  facts: InputFacts,
  labels: readonly Label[],
  task: FetchedInput,
): Record<string, Region> {
  if (mask.kind === 'slide') return {};
  const fullest = fullestPlanes(planesOf(mask, facts));
  const found: Record<string, Region> = {};
  for (const { id, value } of labels) {
    const plane = value > 0 ? fullest.get(value) : undefined;
    const points = plane && outlineOf(plane.data, plane, value);
    if (plane && points) found[id] = { source: sourceFrame(task, plane.frame), points };
  }
  return found;
}

/** Round the only picture, or the middle one of several. */
export function wholeOf(facts: InputFacts, task: FetchedInput): Region | undefined {
  if (facts.kind === 'tiles' || facts.kind === 'waveform') return undefined;
  const index = Math.floor(task.input.frames.length / 2);
  const source = sourceFrame(task, index);
  const instance = instanceOf(task.input.instances, source.sopInstanceUid);
  const [rows, columns] = instance ? [number(instance, 'Rows'), number(instance, 'Columns')] : [];
  if (!rows || !columns) return undefined;
  return { source, points: corners({ left: 0, top: 0, right: columns, bottom: rows }) };
}

interface Plane {
  frame: number;
  rows: number;
  columns: number;
  data: Uint8Array;
}

function planesOf(mask: Exclude<Mask, { kind: 'slide' }>, facts: InputFacts): Plane[] {
  if (mask.kind === 'pictures') return mask.pictures;
  if (facts.kind !== 'stack' && facts.kind !== 'volume') throw new Error('A mask of slices without slices.');
  const data = onSource(mask, facts.source);
  const [slices, rows, columns] = facts.source.dims;
  return Array.from({ length: slices }, (_, frame) => ({
    frame,
    rows,
    columns,
    data: data.subarray(frame * rows * columns, (frame + 1) * rows * columns),
  }));
}

/** By value but 0, the plane that has most of it. */
function fullestPlanes(planes: readonly Plane[]): Map<number, Plane> {
  const most = new Uint32Array(256);
  const fullest = new Map<number, Plane>();
  for (const plane of planes) {
    labelsOnPlane(plane.data).forEach((count, value) => {
      if (count <= most[value]!) return;
      most[value] = count;
      fullest.set(value, plane);
    });
  }
  return fullest;
}

function instanceOf(instances: readonly DicomJson[], sopInstanceUid: string): DicomJson | undefined {
  return instances.find((one) => text(one, 'SOPInstanceUID') === sopInstanceUid);
}
