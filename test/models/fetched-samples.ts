import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import type { DicomJson } from '#libs/dicom';
import type { FetchedInput, Model } from '../../apps/inference/src/models/model.js';
import { selectInput } from '../../apps/inference/src/models/select-input.js';
import { element } from '../../apps/inference/src/runtime/fetch-from-files.fixture.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const explicitLittleEndian = '1.2.840.10008.1.2.1';

/** What the worker would have fetched: one file a frame, metadata as the archive gives it. */
export function fetched(
  model: Model,
  instances: DicomJson[],
  frames: Map<string, Uint8Array[]>,
  bulk?: Uint8Array,
): FetchedInput {
  const input = selectInput(model.manifest, instances);
  if ('unsuitable' in input) throw new Error(input.unsuitable);
  const directory = temporaryFolder('fetched');
  const save = (name: string, bytes: Uint8Array) => {
    const file = path.join(directory, name);
    writeFileSync(file, bytes);
    return file;
  };
  return {
    input,
    inputDigest: 'ab'.repeat(32),
    directory,
    frameFiles: input.frames.map(({ sopInstanceUid, frameNumber }) => ({
      sopInstanceUid,
      frameNumber,
      file: save(`${sopInstanceUid}-${frameNumber}`, frames.get(sopInstanceUid)![frameNumber - 1]!),
      transferSyntaxUid: explicitLittleEndian,
    })),
    bulkDataFiles: input.bulkData.map((one) => ({ ...one, file: save('bulk', bulk!) })),
  };
}

export function studyAttributes(modality: string, sopClassUid: string, sopInstanceUid: string): DicomJson {
  return {
    '00080016': element('UI', sopClassUid),
    '00080018': element('UI', sopInstanceUid),
    '00080020': element('DA', '20260102'),
    '00080030': element('TM', '101500'),
    '00080050': element('SH', 'A1'),
    '00080060': element('CS', modality),
    '00080090': { vr: 'PN' },
    '00100010': element('PN', { Alphabetic: 'Model^Test' }),
    '00100020': element('LO', 'MODEL-1'),
    '00100030': { vr: 'DA' },
    '00100040': element('CS', 'O'),
    '00200010': element('SH', '1'),
    '0020000D': element('UI', '1.2.3.4'),
    '0020000E': element('UI', '1.2.3.4.5'),
    '00200011': element('IS', 1),
  };
}

export function pixelAttributes(rows: number, columns: number, samples = 1, bits = 8): DicomJson {
  return {
    '00280002': element('US', samples),
    '00280004': element('CS', samples === 1 ? 'MONOCHROME2' : 'RGB'),
    ...(samples > 1 && { '00280006': element('US', 0) }),
    '00280010': element('US', rows),
    '00280011': element('US', columns),
    '00280100': element('US', bits),
    '00280101': element('US', bits),
    '00280102': element('US', bits - 1),
    '00280103': element('US', 0),
  };
}

/** A radiograph of a grey PNG. */
export async function radiograph(model: Model, png: string, changes: DicomJson = {}): Promise<FetchedInput> {
  const { data, info } = await sharp(png).greyscale().raw().toBuffer({ resolveWithObject: true });
  const instance = {
    ...studyAttributes('DX', '1.2.840.10008.5.1.4.1.1.1.1', '1.9'),
    ...pixelAttributes(info.height, info.width),
    '00185101': element('CS', 'PA'),
    '00181164': element('DS', 0.7, 0.7),
    ...changes,
  };
  return fetched(model, [instance], new Map([['1.9', [data]]]));
}

/** An ECG of millivolts sample by sample, stored as microvolts in 16 bits. */
export function ecg(model: Model, file: string): FetchedInput {
  const { instance, samples } = ecgInstance(file);
  return fetched(model, [instance], new Map(), samples);
}

/** The same as one instance, without its samples. */
export function ecgInstance(file: string): { instance: DicomJson; samples: Buffer } {
  const { fs, leads, signal } = JSON.parse(readFileSync(file, 'utf8')) as {
    fs: number;
    leads: string[];
    signal: number[][];
  };
  const numbers: Record<string, number> = {
    I: 1,
    II: 2,
    V1: 3,
    V2: 4,
    V3: 5,
    V4: 6,
    V5: 7,
    V6: 8,
    III: 61,
    aVR: 62,
    aVL: 63,
    aVF: 64,
  };
  const samples = Int16Array.from(signal.flat(), (millivolts) => Math.round(millivolts * 1000));
  const channel = (lead: string): DicomJson => ({
    '003A0208': element('SQ', { '00080100': element('SH', `2:${numbers[lead]}`), '00080102': element('SH', 'MDC') }),
    '003A0210': element('DS', 1),
    '003A0211': element('SQ', { '00080100': element('SH', 'uV'), '00080102': element('SH', 'UCUM') }),
  });
  const instance = {
    ...studyAttributes('ECG', '1.2.840.10008.5.1.4.1.1.9.1.1', '1.9'),
    '54000100': element('SQ', {
      '003A0005': element('US', leads.length),
      '003A0010': element('UL', signal.length),
      '003A001A': element('DS', fs),
      '003A0200': element('SQ', ...leads.map(channel)),
      '54001004': element('US', 16),
      '54001006': element('CS', 'SS'),
    }),
  };
  return { instance, samples: Buffer.from(samples.buffer) };
}

/** The voxels of a NIfTI-1 file of uint8, first index fastest. */
export function readNifti(file: string): { sizes: [number, number, number]; data: Uint8Array } {
  const bytes = gunzipSync(readFileSync(file));
  const sizes = [1, 2, 3].map((axis) => bytes.readInt16LE(40 + 2 * axis)) as [number, number, number];
  return { sizes, data: bytes.subarray(bytes.readFloatLE(108)) };
}

/**
 * An MR series of a volume whose indices run to the left, to the feet and to the front (LIA, 1 mm): coronal slices from back to
 * front, or sagittal ones from right to left, as a scanner might store them.
 */
export function mrSeries(model: Model, file: string, plane: 'coronal' | 'sagittal'): FetchedInput {
  const { slices } = mrSlices(file, plane);
  const frames = new Map(slices.map(({ instance, pixels }) => [String(instance['00080018']!.Value![0]), [pixels]]));
  return fetched(
    model,
    slices.map(({ instance }) => instance),
    frames,
  );
}

export function mrSlices(
  file: string,
  plane: 'coronal' | 'sagittal',
): { slices: { instance: DicomJson; pixels: Uint8Array }[] } {
  const { sizes, data } = readNifti(file);
  const [ni, nj, nk] = sizes;
  const isCoronal = plane === 'coronal';
  const [count, columns] = isCoronal ? [nk, ni] : [ni, nk];
  const slices = Array.from({ length: count }, (_, slice) => {
    const pixels = new Uint8Array(nj * columns);
    for (let j = 0; j < nj; j++)
      for (let column = 0; column < columns; column++) {
        const [i, k] = isCoronal ? [column, slice] : [slice, column];
        pixels[j * columns + column] = data[i + ni * (j + nj * k)]!;
      }
    const place = isCoronal ? [-128, 128 - slice, 128] : [slice - 128, 128, 128];
    const instance: DicomJson = {
      ...studyAttributes('MR', '1.2.840.10008.5.1.4.1.1.4', `1.9.${slice + 1}`),
      ...pixelAttributes(nj, columns),
      '00080008': element('CS', 'DERIVED', 'PRIMARY', 'OTHER'),
      '00180023': element('CS', '3D'),
      '00200013': element('IS', slice + 1),
      '00200032': element('DS', ...place),
      '00200037': element('DS', ...(isCoronal ? [1, 0, 0] : [0, -1, 0]), 0, 0, -1),
      '00200052': element('UI', '1.2.3.4.9'),
      '00280030': element('DS', 1, 1),
    };
    return { instance, pixels };
  });
  return { slices };
}

/** A slide's level of an RGB picture, cut into tiles of this size as scanners store them. */
export async function slide(model: Model, png: string, tile: [rows: number, columns: number]): Promise<FetchedInput> {
  const { instance, frames } = await slideLevel(png, tile);
  return fetched(model, [instance], new Map([['1.9', frames]]));
}

export async function slideLevel(
  png: string,
  [rows, columns]: [rows: number, columns: number],
): Promise<{ instance: DicomJson; frames: Uint8Array[] }> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const frames: Uint8Array[] = [];
  for (let top = 0; top < info.height; top += rows)
    for (let left = 0; left < info.width; left += columns) {
      const pixels = new Uint8Array(rows * columns * 3);
      for (let row = 0; row < Math.min(rows, info.height - top); row++) {
        const from = ((top + row) * info.width + left) * 3;
        pixels.set(data.subarray(from, from + Math.min(columns, info.width - left) * 3), row * columns * 3);
      }
      frames.push(pixels);
    }
  const instance: DicomJson = {
    ...studyAttributes('SM', '1.2.840.10008.5.1.4.1.1.77.1.6', '1.9'),
    ...pixelAttributes(rows, columns, 3),
    '00080008': element('CS', 'ORIGINAL', 'PRIMARY', 'VOLUME', 'NONE'),
    '00200052': element('UI', '1.2.3.4.9'),
    '00209311': element('CS', 'TILED_FULL'),
    '00280008': element('IS', frames.length),
    '00480006': element('UL', info.width),
    '00480007': element('UL', info.height),
    '00480008': element('SQ', { '0040072A': element('DS', 10), '0040073A': element('DS', 20) }),
    '00480102': element('DS', 0, -1, 0, -1, 0, 0),
    '52009229': element('SQ', {
      '00289110': element('SQ', { '00180050': element('DS', 0.001), '00280030': element('DS', 0.0005, 0.0005) }),
    }),
  };
  return { instance, frames };
}

/** Ten seconds of a plain rhythm, as the samples of the ECG model are written. */
export function beatsFile(): string {
  const leads = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'];
  const signal = Array.from({ length: 5000 }, (_, sample) => {
    const t = (sample / 500) % 1;
    const qrs = Math.exp(-0.5 * ((t - 0.3) / 0.012) ** 2);
    return leads.map((_lead, index) => Number(((0.4 + index / 12) * qrs + 0.02 * Math.sin(sample)).toFixed(3)));
  });
  const file = path.join(temporaryFolder('ecg'), 'beats.json');
  writeFileSync(file, JSON.stringify({ fs: 500, leads, signal }));
  return file;
}
