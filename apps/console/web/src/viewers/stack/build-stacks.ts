import { type DicomJson, functionalGroup, numberOf, numbersOf, textOf } from '../../dicom/dicom-json.js';
import { tag } from '../../dicom/tags.js';
import { chooseViewer } from '../choose-viewer.js';
import { fullWindow, storedWindow, type Window } from './window.js';

/** One picture of a stack. */
export interface StackFrame {
  sopInstanceUid: string;
  /** From 1, as in addresses. */
  frameNumber: number;
  instanceNumber: number | undefined;
  rows: number;
  columns: number;
  /** Height of a pixel over its width; 1 for square ones. */
  pixelAspect: number;
  /** Millimetres between the centres of two columns. */
  columnSpacing: number | undefined;
  isMonochrome: boolean;
  /** Direction cosines of a row and of a column, in patient space (LPS). */
  orientation: number[] | undefined;
  position: number[] | undefined;
  /** Millimetres along the normal of the slices. */
  location: number | undefined;
  thickness: number | undefined;
  storedWindow: Window | undefined;
  fullWindow: Window;
}

/** Pictures one scrolls through. */
export interface Stack {
  name: string;
  /** Every picture lies elsewhere in space: a volume, not a clip. */
  isVolume: boolean;
  frames: StackFrame[];
  /** Where the object says how fast it wants to be played. */
  framesPerSecond: number | undefined;
}

const stacksByOrientationMax = 6;
const frameCountMax = 100_000;

/**
 * The stacks of a series. Each multi-frame object is one; the single frames are one, ordered through space, or one for
 * each orientation when there are few (the three planes of a localiser). Objects without pixels are left out.
 */
export function buildStacks(instances: readonly DicomJson[]): Stack[] {
  const images = instances.filter((instance) => chooseViewer(instance) === 'stack');
  const singles: StackFrame[] = [];
  const multiples: { number: number; stack: Pictures }[] = [];
  for (const image of images) {
    const count = Math.min(Math.max(numberOf(image, tag.NumberOfFrames) ?? 1, 1), frameCountMax);
    if (count === 1) {
      singles.push(readFrame(image, 0));
      continue;
    }
    const frames = Array.from({ length: count }, (_, index) => readFrame(image, index));
    const number = numberOf(image, tag.InstanceNumber) ?? 0;
    multiples.push({ number, stack: { frames, framesPerSecond: readFrameRate(image) } });
  }
  multiples.sort((a, b) => a.number - b.number);
  const stacks = [...splitSingles(singles), ...multiples.map(({ stack }) => stack)];
  return stacks.map((stack, index) => ({ ...stack, name: `${index + 1}`, isVolume: isVolume(stack.frames) }));
}

type Pictures = Pick<Stack, 'frames' | 'framesPerSecond'>;

function splitSingles(frames: StackFrame[]): Pictures[] {
  if (frames.length === 0) return [];
  const groups = new Map<string, StackFrame[]>();
  for (const frame of frames) {
    const key = frame.orientation?.map((cosine) => (Math.round(cosine * 20) / 20 || 0).toFixed(2)).join() ?? 'none';
    groups.set(key, [...(groups.get(key) ?? []), frame]);
  }
  const parts = groups.size <= stacksByOrientationMax ? [...groups.values()] : [frames];
  return parts.map((part) => ({ frames: orderFrames(part), framesPerSecond: undefined }));
}

/** Through space where every slice says where it is; by instance number otherwise and among slices at one place. */
function orderFrames(frames: StackFrame[]): StackFrame[] {
  const byNumber = (a: StackFrame, b: StackFrame) => (a.instanceNumber ?? 0) - (b.instanceNumber ?? 0);
  const normal = frames[0]?.orientation && normalOf(frames[0].orientation);
  if (!normal || frames.some((frame) => !frame.position || !isParallel(frame, normal)))
    return [...frames].sort(byNumber);
  const located = frames.map((frame) => ({ ...frame, location: dot(frame.position!, normal) }));
  const places = new Set(located.map((frame) => frame.location.toFixed(2)));
  // Several pictures at each place (phases, echoes): the scanner's numbering keeps each run together.
  if (places.size < located.length) return located.sort(byNumber);
  located.sort((a, b) => a.location - b.location);
  // Which end comes first is the scanner's choice.
  const isBackwards = byNumber(located[0]!, located.at(-1)!) > 0;
  return isBackwards ? located.reverse() : located;
}

function isVolume(frames: StackFrame[]): boolean {
  const places = new Set(frames.map((frame) => frame.location?.toFixed(2)));
  return frames.length > 1 && places.size === frames.length && !places.has(undefined);
}

function readFrame(image: DicomJson, frame: number): StackFrame {
  const measures = functionalGroup(image, tag.PixelMeasuresSequence, frame);
  const spacing = numbersOf(measures, tag.PixelSpacing, 2) ?? numbersOf(image, tag.PixelSpacing, 2);
  const aspect = numbersOf(image, tag.PixelAspectRatio, 2);
  const orientation = readVector(image, frame, tag.PlaneOrientationSequence, tag.ImageOrientationPatient, 6);
  const position = readVector(image, frame, tag.PlanePositionSequence, tag.ImagePositionPatient, 3);
  const normal = orientation && normalOf(orientation);
  return {
    sopInstanceUid: textOf(image, tag.SOPInstanceUID) ?? '',
    frameNumber: frame + 1,
    instanceNumber: numberOf(image, tag.InstanceNumber),
    rows: numberOf(image, tag.Rows) ?? 1,
    columns: numberOf(image, tag.Columns) ?? 1,
    pixelAspect: ratio(spacing) ?? ratio(aspect) ?? 1,
    columnSpacing: spacing?.[1],
    isMonochrome: (textOf(image, tag.PhotometricInterpretation) ?? 'MONOCHROME2').startsWith('MONOCHROME'),
    orientation,
    position,
    location: position && normal ? dot(position, normal) : undefined,
    thickness: numberOf(measures, tag.SliceThickness) ?? numberOf(image, tag.SliceThickness),
    storedWindow: storedWindow(image, frame),
    fullWindow: fullWindow(image, frame),
  };
}

function readVector(image: DicomJson, frame: number, group: string, vectorTag: string, count: number) {
  return numbersOf(functionalGroup(image, group, frame), vectorTag, count) ?? numbersOf(image, vectorTag, count);
}

function readFrameRate(image: DicomJson): number | undefined {
  const rate = numberOf(image, tag.RecommendedDisplayFrameRate) ?? numberOf(image, tag.CineRate);
  if (rate !== undefined && rate > 0) return rate;
  const milliseconds = numberOf(image, tag.FrameTime);
  return milliseconds !== undefined && milliseconds > 0 ? 1000 / milliseconds : undefined;
}

function ratio(pair: number[] | undefined): number | undefined {
  const value = pair && pair[0]! / pair[1]!;
  return value !== undefined && Number.isFinite(value) && value > 0.05 && value < 20 ? value : undefined;
}

function normalOf(o: number[]): number[] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = o;
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

function isParallel(frame: StackFrame, normal: number[]): boolean {
  return frame.orientation !== undefined && Math.abs(dot(normalOf(frame.orientation), normal)) > 0.99;
}

function dot(a: number[], b: number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}
