import { createHash } from 'node:crypto';
import type { DicomJson } from '#libs/dicom';
import { encodePart10 } from './encode-part10.js';
import { mosaicJpeg } from './mosaic-jpeg.js';
import { seededRandom } from './seeded-random.js';

export interface InstanceDescription {
  /** Default `CT`. Chooses the SOP class; `ECG` and `SR` hold no pixels but a waveform and a content tree. */
  modality?: string;
  sopClassUid?: string;
  /** Default 8. */
  rows?: number;
  /** Default 8. */
  columns?: number;
  /** Default 1. 0 for an instance without pixel data. */
  frames?: number;
  /** Default 1; 3 means RGB, or YBR_FULL where frames are JPEG. */
  samplesPerPixel?: 1 | 3;
  /** Default 16 where native and one sample, else 8. 1 packs bits. */
  bitsAllocated?: 1 | 8 | 16 | 32;
  /** Default: bitsAllocated, but 12 of 16. */
  bitsStored?: number;
  /** Default 0, unsigned. */
  pixelRepresentation?: 0 | 1;
  photometricInterpretation?: string;
  /**
   * Default Explicit VR Little Endian. Pixels are made for the native syntaxes, Deflated, JPEG Baseline (.4.50) and RLE
   * Lossless (.5); for any other encapsulated one give `frameBytes`.
   */
  transferSyntaxUid?: string;
  /** The frames as they stand in the object, instead of made ones. */
  frameBytes?: readonly Uint8Array[];
  /** Encapsulated: fragments each frame is cut into. Default 1. */
  fragmentsPerFrame?: number;
  /** Encapsulated: fill the Basic Offset Table. Default true. */
  basicOffsetTable?: boolean;
  /** Default: derived from `seed`, so that the same seed gives the same study. */
  studyInstanceUid?: string;
  /** Default: derived from the study and modality. */
  seriesInstanceUid?: string;
  /** Default: derived from the series and the instance number. */
  sopInstanceUid?: string;
  patientId?: string;
  patientName?: string;
  studyDate?: string;
  studyDescription?: string;
  accessionNumber?: string;
  /** Default 1. */
  instanceNumber?: number;
  /** Merged over everything else, so that a test shows what matters to it. */
  attributes?: DicomJson;
  /** Tags (GGGGEEEE) to leave out. */
  omit?: readonly string[];
  /** Default 1. */
  seed?: number;
}

/**
 * One DICOM instance as a Part 10 buffer, made by code: the same description gives the same bytes. Small by default
 * (about 1 KB) and well under a millisecond to make.
 */
export function makeInstance(description: InstanceDescription = {}): Buffer {
  const transferSyntaxUid = description.transferSyntaxUid ?? '1.2.840.10008.1.2.1';
  const dataset = describeInstance(description);
  Object.assign(dataset, description.attributes);
  for (const tag of description.omit ?? []) delete dataset[tag];
  return encodePart10(dataset, transferSyntaxUid, makePixels(description, transferSyntaxUid));
}

/** The data set that {@link makeInstance} writes, without `attributes`, `omit` and the pixels. */
export function describeInstance(description: InstanceDescription = {}): DicomJson {
  const { modality = 'CT', seed = 1, instanceNumber = 1 } = description;
  const studyInstanceUid = description.studyInstanceUid ?? testUid(`study ${seed}`);
  const seriesInstanceUid = description.seriesInstanceUid ?? testUid(`series ${studyInstanceUid} ${modality}`);
  const dataset: DicomJson = {
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
    '00080016': { vr: 'UI', Value: [description.sopClassUid ?? sopClassOf(modality, description.frames ?? 1)] },
    '00080018': {
      vr: 'UI',
      Value: [description.sopInstanceUid ?? testUid(`instance ${seriesInstanceUid} ${instanceNumber}`)],
    },
    '00080020': { vr: 'DA', Value: [description.studyDate ?? '20240229'] },
    '00080030': { vr: 'TM', Value: ['101500'] },
    '00080050': { vr: 'SH', Value: [description.accessionNumber ?? `A${seed}`] },
    '00080060': { vr: 'CS', Value: [modality] },
    '00080070': { vr: 'LO', Value: ['Isocenter'] },
    '00080090': { vr: 'PN' },
    '00081030': { vr: 'LO', Value: [description.studyDescription ?? 'Test study'] },
    '00100010': { vr: 'PN', Value: [{ Alphabetic: description.patientName ?? `Test^Patient${seed}` }] },
    '00100020': { vr: 'LO', Value: [description.patientId ?? `TEST-${seed}`] },
    '00100030': { vr: 'DA' },
    '00100040': { vr: 'CS', Value: ['O'] },
    '0020000D': { vr: 'UI', Value: [studyInstanceUid] },
    '0020000E': { vr: 'UI', Value: [seriesInstanceUid] },
    '00200010': { vr: 'SH', Value: [`S${seed}`] },
    '00200011': { vr: 'IS', Value: [1] },
    '00200013': { vr: 'IS', Value: [instanceNumber] },
  };
  if (modality === 'ECG') Object.assign(dataset, waveform(seed));
  else if (modality === 'SR') Object.assign(dataset, contentTree());
  if (framesOf(description) > 0) Object.assign(dataset, imagePixel(description));
  if ((modality === 'CT' || modality === 'MR' || modality === 'PT') && framesOf(description) > 0) {
    Object.assign(dataset, imagePlane(seriesInstanceUid, instanceNumber));
  }
  if (modality === 'CT') {
    dataset['00281052'] = { vr: 'DS', Value: [-1024] };
    dataset['00281053'] = { vr: 'DS', Value: [1] };
  }
  return dataset;
}

/** A UID that depends on nothing but the text: 2.25 and 128 bits of its SHA-256. */
export function testUid(text: string): string {
  return `2.25.${BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 32)}`)}`;
}

const sopClasses: Record<string, string> = {
  CR: '1.2.840.10008.5.1.4.1.1.1',
  CT: '1.2.840.10008.5.1.4.1.1.2',
  DX: '1.2.840.10008.5.1.4.1.1.1.1',
  ECG: '1.2.840.10008.5.1.4.1.1.9.1.1',
  MG: '1.2.840.10008.5.1.4.1.1.1.2',
  MR: '1.2.840.10008.5.1.4.1.1.4',
  NM: '1.2.840.10008.5.1.4.1.1.20',
  PT: '1.2.840.10008.5.1.4.1.1.128',
  SM: '1.2.840.10008.5.1.4.1.1.77.1.6',
  SR: '1.2.840.10008.5.1.4.1.1.88.33',
  US: '1.2.840.10008.5.1.4.1.1.6.1',
  XA: '1.2.840.10008.5.1.4.1.1.12.1',
};

function sopClassOf(modality: string, frames: number): string {
  if (modality === 'US' && frames > 1) return '1.2.840.10008.5.1.4.1.1.3.1';
  return sopClasses[modality] ?? '1.2.840.10008.5.1.4.1.1.7';
}

function framesOf({ modality, frames }: InstanceDescription): number {
  return frames ?? (modality === 'ECG' || modality === 'SR' ? 0 : 1);
}

function geometryOf(description: InstanceDescription) {
  const { rows = 8, columns = 8, samplesPerPixel = 1, pixelRepresentation = 0 } = description;
  const isJpeg = description.transferSyntaxUid === '1.2.840.10008.1.2.4.50';
  const bitsAllocated = description.bitsAllocated ?? (isJpeg || samplesPerPixel === 3 ? 8 : 16);
  const bitsStored = description.bitsStored ?? (bitsAllocated === 16 ? 12 : bitsAllocated);
  const colour = isJpeg ? 'YBR_FULL' : 'RGB';
  const photometricInterpretation =
    description.photometricInterpretation ?? (samplesPerPixel === 3 ? colour : 'MONOCHROME2');
  return { rows, columns, samplesPerPixel, pixelRepresentation, bitsAllocated, bitsStored, photometricInterpretation };
}

function imagePixel(description: InstanceDescription): DicomJson {
  const geometry = geometryOf(description);
  const module: DicomJson = {
    '00280002': { vr: 'US', Value: [geometry.samplesPerPixel] },
    '00280004': { vr: 'CS', Value: [geometry.photometricInterpretation] },
    '00280010': { vr: 'US', Value: [geometry.rows] },
    '00280011': { vr: 'US', Value: [geometry.columns] },
    '00280100': { vr: 'US', Value: [geometry.bitsAllocated] },
    '00280101': { vr: 'US', Value: [geometry.bitsStored] },
    '00280102': { vr: 'US', Value: [geometry.bitsStored - 1] },
    '00280103': { vr: 'US', Value: [geometry.pixelRepresentation] },
  };
  if (geometry.samplesPerPixel === 3) module['00280006'] = { vr: 'US', Value: [0] };
  if (framesOf(description) > 1) module['00280008'] = { vr: 'IS', Value: [framesOf(description)] };
  return module;
}

/** Axial slices 5 mm apart in the order of their instance numbers, feet to head. */
function imagePlane(seriesInstanceUid: string, instanceNumber: number): DicomJson {
  return {
    '00180050': { vr: 'DS', Value: [5] },
    '00200032': { vr: 'DS', Value: [0, 0, instanceNumber * 5] },
    '00200037': { vr: 'DS', Value: [1, 0, 0, 0, 1, 0] },
    '00200052': { vr: 'UI', Value: [testUid(`frame of reference ${seriesInstanceUid}`)] },
    '00280030': { vr: 'DS', Value: [0.7, 0.7] },
  };
}

/** One multiplex group: 12 channels, 64 samples at 500 Hz, 16-bit signed, 1 uV a step. */
function waveform(seed: number): DicomJson {
  const random = seededRandom(seed);
  const samples = Buffer.alloc(12 * 64 * 2);
  for (let at = 0; at < samples.length; at += 2) samples.writeInt16LE(Math.round(random() * 2000 - 1000), at);
  const leads: [string, string][] = [
    ['2:1', 'Lead I'],
    ['2:2', 'Lead II'],
    ['2:61', 'Lead III'],
    ['2:62', 'aVR'],
    ['2:63', 'aVL'],
    ['2:64', 'aVF'],
    ['2:3', 'Lead V1'],
    ['2:4', 'Lead V2'],
    ['2:5', 'Lead V3'],
    ['2:6', 'Lead V4'],
    ['2:7', 'Lead V5'],
    ['2:8', 'Lead V6'],
  ];
  const group: DicomJson = {
    '003A0004': { vr: 'CS', Value: ['ORIGINAL'] },
    '003A0005': { vr: 'US', Value: [12] },
    '003A0010': { vr: 'UL', Value: [64] },
    '003A001A': { vr: 'DS', Value: [500] },
    '003A0200': {
      vr: 'SQ',
      Value: leads.map(([code, meaning]) => ({
        '003A0208': { vr: 'SQ', Value: [coded(code, 'MDC', meaning)] },
        '003A0210': { vr: 'DS', Value: [1] },
        '003A0211': { vr: 'SQ', Value: [coded('uV', 'UCUM', 'microvolt')] },
        '003A0212': { vr: 'DS', Value: [1] },
        '003A0213': { vr: 'DS', Value: [0] },
        '003A0215': { vr: 'DS', Value: [0] },
        '003A021A': { vr: 'US', Value: [16] },
      })),
    },
    '54001004': { vr: 'US', Value: [16] },
    '54001006': { vr: 'CS', Value: ['SS'] },
    '54001010': { vr: 'OW', InlineBinary: samples.toString('base64') },
  };
  return { '0008002A': { vr: 'DT', Value: ['20240229101500'] }, '54000100': { vr: 'SQ', Value: [group] } };
}

function contentTree(): DicomJson {
  const finding: DicomJson = {
    '0040A010': { vr: 'CS', Value: ['CONTAINS'] },
    '0040A040': { vr: 'CS', Value: ['TEXT'] },
    '0040A043': { vr: 'SQ', Value: [coded('121071', 'DCM', 'Finding')] },
    '0040A160': { vr: 'UT', Value: ['Nothing of note'] },
  };
  return {
    '0040A040': { vr: 'CS', Value: ['CONTAINER'] },
    '0040A043': { vr: 'SQ', Value: [coded('18748-4', 'LN', 'Diagnostic imaging report')] },
    '0040A050': { vr: 'CS', Value: ['SEPARATE'] },
    '0040A491': { vr: 'CS', Value: ['COMPLETE'] },
    '0040A493': { vr: 'CS', Value: ['UNVERIFIED'] },
    '0040A730': { vr: 'SQ', Value: [finding] },
  };
}

function coded(value: string, scheme: string, meaning: string): DicomJson {
  return {
    '00080100': { vr: 'SH', Value: [value] },
    '00080102': { vr: 'SH', Value: [scheme] },
    '00080104': { vr: 'LO', Value: [meaning] },
  };
}

function makePixels(description: InstanceDescription, transferSyntaxUid: string): Parameters<typeof encodePart10>[2] {
  const frames = framesOf(description);
  if (frames === 0) return undefined;
  const frameBytes = description.frameBytes ?? makeFrames(description, transferSyntaxUid, frames);
  if (isNativeSyntax(transferSyntaxUid)) return { native: Buffer.concat(frameBytes) };
  const offsetTable: number[] = [];
  const fragments: Uint8Array[] = [];
  let offset = 0;
  for (const bytes of frameBytes) {
    offsetTable.push(offset);
    for (const fragment of cut(bytes, description.fragmentsPerFrame ?? 1)) {
      fragments.push(fragment);
      offset += 8 + fragment.length + (fragment.length % 2);
    }
  }
  return { offsetTable: description.basicOffsetTable === false ? [] : offsetTable, fragments };
}

/** Even lengths but for the last: padding inside a frame would be damage. */
function cut(bytes: Uint8Array, pieces: number): Uint8Array[] {
  if (pieces <= 1) return [bytes];
  const step = Math.max(2, 2 * Math.ceil(bytes.length / pieces / 2));
  const cuts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += step) cuts.push(bytes.subarray(at, at + step));
  return cuts;
}

function makeFrames(description: InstanceDescription, transferSyntaxUid: string, frames: number): Uint8Array[] {
  const { rows, columns, samplesPerPixel, bitsAllocated, bitsStored, pixelRepresentation } = geometryOf(description);
  const random = seededRandom((description.seed ?? 1) * 7919 + (description.instanceNumber ?? 1));
  const samples = rows * columns * samplesPerPixel;
  if (transferSyntaxUid === '1.2.840.10008.1.2.4.50') {
    return Array.from({ length: frames }, () =>
      mosaicJpeg(rows, columns, samplesPerPixel, () => Math.floor(random() * 256)),
    );
  }
  if (bitsAllocated === 1) {
    // Frames of single bits follow each other without padding (PS3.5 8.1.1): made as one run of bits.
    const bits = Buffer.alloc(Math.ceil((samples * frames) / 8));
    for (let at = 0; at < samples * frames; at++) if (random() < 0.5) bits[at >> 3]! |= 1 << (at & 7);
    return [bits];
  }
  const made = Array.from({ length: frames }, () => {
    const bytes = Buffer.alloc((samples * bitsAllocated) / 8);
    for (let at = 0; at < samples; at++) {
      const value = Math.floor(random() * 2 ** bitsStored) - (pixelRepresentation ? 2 ** (bitsStored - 1) : 0);
      writeSample(bytes, at, bitsAllocated, value);
    }
    return bytes;
  });
  if (isNativeSyntax(transferSyntaxUid)) return made;
  if (transferSyntaxUid === '1.2.840.10008.1.2.5') {
    return made.map((bytes) => runLength(bytes, columns, samplesPerPixel, bitsAllocated / 8));
  }
  throw new TypeError(`make-instance makes no pixels for ${transferSyntaxUid}: give frameBytes`);
}

function isNativeSyntax(transferSyntaxUid: string): boolean {
  return /^1\.2\.840\.10008\.1\.2(\.[12](\.99)?)?$/.test(transferSyntaxUid);
}

function writeSample(bytes: Buffer, index: number, bits: number, value: number): void {
  if (bits === 8) bytes[index] = value & 255;
  else if (bits === 16) bytes.writeUInt16LE(value & 0xffff, index * 2);
  else bytes.writeUInt32LE(value >>> 0, index * 4);
}

/** RLE Lossless (PS3.5 Annex G), literal runs only: a segment for each byte of each sample, most significant first. */
function runLength(frame: Buffer, columns: number, samplesPerPixel: number, bytesPerSample: number): Buffer {
  const header = Buffer.alloc(64);
  const segments: Buffer[] = [];
  const pixels = frame.length / samplesPerPixel / bytesPerSample;
  let offset = 64;
  for (let sample = 0; sample < samplesPerPixel; sample++) {
    for (let byte = bytesPerSample - 1; byte >= 0; byte--) {
      const plane = Buffer.alloc(pixels);
      for (let at = 0; at < pixels; at++) {
        plane[at] = frame[(at * samplesPerPixel + sample) * bytesPerSample + byte] ?? 0;
      }
      const pieces: Buffer[] = [];
      for (let row = 0; row < pixels; row += columns) {
        for (let at = row; at < row + columns; at += 128) {
          const run = plane.subarray(at, Math.min(at + 128, row + columns)); // runs never cross a row (G.3.1)
          pieces.push(Buffer.from([run.length - 1]), run);
        }
      }
      let segment = Buffer.concat(pieces);
      if (segment.length % 2) segment = Buffer.concat([segment, Buffer.from([0x80])]);
      segments.push(segment);
      header.writeUInt32LE(offset, 4 * segments.length);
      offset += segment.length;
    }
  }
  header.writeUInt32LE(segments.length, 0);
  return Buffer.concat([header, ...segments]);
}
