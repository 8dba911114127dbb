import { encodePart10 } from '../support/encode-part10.js';
import { describeInstance, makeInstance } from '../support/make-instance.js';
import { seededRandom } from '../support/seeded-random.js';
import { type BenchStudy, benchStudy, instanceUid, seriesUid } from './bench-study.js';

export interface BenchInstance {
  study: BenchStudy;
  seriesInstanceUid: string;
  sopInstanceUid: string;
  part10: Buffer;
  /** Its frames as they are stored. */
  frames: readonly Buffer[];
}

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const side = 512;

/** Slices as scanners make them: 512x512, 12 bits, something round in noise that compresses as little as real noise. */
export function ctSlices(token: string, study: number, count: number, series = 0, first = 0): BenchInstance[] {
  return Array.from({ length: count }, (_, at) => ctSlice(token, study, series, first + at));
}

function ctSlice(token: string, study: number, series: number, instance: number): BenchInstance {
  const pixels = slicePixels(instance % distinctSlices);
  return encode(token, study, series, instance, side, pixels);
}

/** Instances of 64x64 pixels, for archives of many. */
export function tinyInstance(token: string, study: number, series: number, instance: number): BenchInstance {
  const pixels = slicePixels(instance % distinctSlices).subarray(0, 64 * 64 * 2);
  return encode(token, study, series, instance, 64, pixels);
}

function encode(
  token: string,
  study: number,
  series: number,
  instance: number,
  rows: number,
  pixels: Buffer,
  frames?: number,
): BenchInstance {
  const facts = benchStudy(token, study);
  const uids = {
    studyInstanceUid: facts.studyInstanceUid,
    seriesInstanceUid: seriesUid(token, study, series),
    sopInstanceUid: instanceUid(token, study, series, instance),
  };
  const { modality, patientId, patientName, studyDate, studyDescription, accessionNumber } = facts;
  const dataset = describeInstance({
    ...uids,
    modality,
    patientId,
    patientName,
    studyDate,
    studyDescription,
    accessionNumber,
    instanceNumber: instance + 1,
    // Multi-frame Grayscale Word Secondary Capture, or CT.
    sopClassUid: frames === undefined ? '1.2.840.10008.5.1.4.1.1.2' : '1.2.840.10008.5.1.4.1.1.7.3',
    rows,
    columns: rows,
    ...(frames !== undefined && { frames }),
  });
  dataset['00080030'] = { vr: 'TM', Value: [facts.studyTime] };
  dataset['00200011'] = { vr: 'IS', Value: [series + 1] };
  const part10 = encodePart10(dataset, explicitLittleEndian, { native: pixels });
  return { study: facts, ...uids, part10, frames: [pixels] };
}

/** So many uncompressed frames of 16x16 pixels, as of a slide's tiles, each with its number in its first pixels. */
export function manyFrames(token: string, study: number, count: number): BenchInstance {
  const frameBytes = 16 * 16 * 2;
  const pixels = Buffer.alloc(count * frameBytes);
  const frames = Array.from({ length: count }, (_, at) => pixels.subarray(at * frameBytes, (at + 1) * frameBytes));
  frames.forEach((frame, at) => frame.writeUInt32LE(at));
  return { ...encode(token, study, 0, 0, 16, pixels, count), frames };
}

/** A loop of JPEG frames, stored compressed. */
export function multiFrame(token: string, study: number, frames: number): BenchInstance {
  const facts = benchStudy(token, study);
  const uids = {
    studyInstanceUid: facts.studyInstanceUid,
    seriesInstanceUid: seriesUid(token, study, 0),
    sopInstanceUid: instanceUid(token, study, 0, 0),
  };
  const description = {
    ...uids,
    modality: 'US',
    rows: 480,
    columns: 640,
    frames,
    samplesPerPixel: 3 as const,
    transferSyntaxUid: '1.2.840.10008.1.2.4.50',
  };
  const part10 = makeInstance(description);
  return { study: facts, ...uids, part10, frames: encapsulatedFrames(part10, frames) };
}

/** One fragment a frame, behind the Basic Offset Table: PS3.5 A.4. */
function encapsulatedFrames(part10: Buffer, count: number): Buffer[] {
  const item = Buffer.from([0xfe, 0xff, 0x00, 0xe0]);
  let at = part10.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0x00])) + 12;
  const frames: Buffer[] = [];
  for (let number = 0; number <= count; number++) {
    if (part10.compare(item, 0, 4, at, at + 4) !== 0) throw new Error('The made loop has no item where one must be');
    const length = part10.readUInt32LE(at + 4);
    if (number > 0) frames.push(part10.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return frames;
}

const distinctSlices = 16;
const slices = new Map<number, Buffer>();

function slicePixels(which: number): Buffer {
  let pixels = slices.get(which);
  if (pixels === undefined) {
    const random = seededRandom(which + 1);
    pixels = Buffer.alloc(side * side * 2);
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const isInside = (row - 256) ** 2 + (column - 256) ** 2 < (150 + 4 * which) ** 2;
        pixels.writeUInt16LE((isInside ? 1100 : 60) + Math.floor(random() * 48), (row * side + column) * 2);
      }
    }
    slices.set(which, pixels);
  }
  return pixels;
}
