import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type DicomJson, explicitLittleEndian, uidFromHash, writePart10 } from '#libs/dicom';
import { loadModel } from '../../apps/inference/src/models/load-models.js';
import type { Model } from '../../apps/inference/src/models/model.js';
import { buildSr } from '../../apps/inference/src/results/build-sr.js';
import { element } from '../../apps/inference/src/runtime/fetch-from-files.fixture.js';
import { runModel } from '../../apps/inference/src/runtime/run-model.js';
import {
  beatsFile,
  ecgInstance,
  fetched,
  pixelAttributes,
  slideLevel,
  studyAttributes,
} from '../models/fetched-samples.js';
import { boxesAndMap, brightVolume, darkTissue, loadTiny } from '../models/tiny-models.js';

const root = path.resolve(import.meta.dirname, '../..');

/** A study and what a model made of it, as Part 10 objects. */
export interface ResultStudy {
  studyInstanceUid: string;
  instances: Buffer[];
  objects: Buffer[];
}

/** Slices with two bright balls: a segmentation of both, as bits and as labels, and a report on each. */
export async function sliceStudy(): Promise<ResultStudy> {
  const [rows, columns, count] = [128, 128, 24];
  const slices = Array.from({ length: count }, (_, slice) => ({
    instance: {
      ...identity('slices', 'CT', '1.2.840.10008.5.1.4.1.1.2', `slice ${slice}`),
      ...pixelAttributes(rows, columns),
      '00080008': element('CS', 'ORIGINAL', 'PRIMARY', 'AXIAL'),
      '00200013': element('IS', slice + 1),
      '00200032': element('DS', -64, -64, slice * 3),
      '00200037': element('DS', 1, 0, 0, 0, 1, 0),
      '00200052': element('UI', uidFromHash('a frame of reference for a viewer')),
      '00280030': element('DS', 1, 1),
      '00281050': element('DS', 128),
      '00281051': element('DS', 256),
      '00281052': element('DS', 0),
      '00281053': element('DS', 1),
    },
    pixels: Uint8Array.from({ length: rows * columns }, (_value, at) => {
      const [y, x] = [Math.floor(at / columns), at % columns];
      if (Math.hypot(x - 44, y - 64, (slice - 12) * 3) < 26) return 150;
      return Math.hypot(x - 90, y - 64, (slice - 12) * 3) < 16 ? 240 : 30 + (x % 16);
    }),
  }));
  return analysed(await loadTiny('radiology/bright', brightVolume()), slices);
}

/** A radiograph with a bright square, and a report on it: a count of the whole, and a box. */
export async function radiographStudy(): Promise<ResultStudy> {
  const [rows, columns] = [480, 640];
  const instance = {
    ...identity('radiograph', 'DX', '1.2.840.10008.5.1.4.1.1.1.1', 'picture'),
    ...pixelAttributes(rows, columns),
    '00080008': element('CS', 'ORIGINAL', 'PRIMARY'),
    '00185101': element('CS', 'PA'),
    '00181164': element('DS', 0.5, 0.5),
  };
  const pixels = Uint8Array.from({ length: rows * columns }, (_value, at) => {
    const [y, x] = [Math.floor(at / columns), at % columns];
    return x > 150 && x < 330 && y > 150 && y < 330 ? 200 : 40 + ((x + y) % 60);
  });
  return analysed(await loadTiny('radiology/boxes', boxesAndMap()), [{ instance, pixels }]);
}

/**
 * A slide of six tiles with a dark disc across their borders, and a segmentation of it.
 *
 * @param png of the slide
 */
export async function slideStudy(png: string): Promise<ResultStudy> {
  const model = await loadTiny('pathology/dark', darkTissue(256, 'binary'));
  const { instance: made, frames } = await slideLevel(png, [256, 256]);
  const item = (value: string, scheme: string, meaning: string) =>
    element('SQ', {
      '00080100': element('SH', value),
      '00080102': element('SH', scheme),
      '00080104': element('LO', meaning),
    });
  const instance: DicomJson = {
    ...made,
    ...identity('slide', 'SM', '1.2.840.10008.5.1.4.1.1.77.1.6', 'level'),
    // What slide viewers ask of every level (PS3.3 C.8.12.5).
    '00480105': element('SQ', {
      '00220016': item('111744', 'DCM', 'Brightfield illumination'),
      '00480106': element('SH', '1'),
      '00480108': item('414298005', 'SCT', 'Full Spectrum'),
    }),
    '00480303': element('UL', 1),
  };
  const { report, files } = await run(model, [instance], new Map([[String(instance['00080018']!.Value![0]), frames]]));
  const pixels = Buffer.concat(frames).toString('base64');
  return {
    studyInstanceUid: String(instance['0020000D']!.Value![0]),
    instances: [writePart10({ ...instance, '7FE00010': { vr: 'OB', InlineBinary: pixels } }, explicitLittleEndian)],
    objects: [...files.map((file) => readFileSync(file)), report],
  };
}

/** An ECG with the report of the analysis that is shipped: numbers, and the place of each beat in time. */
export async function ecgStudy(): Promise<ResultStudy> {
  const model = await loadModel(path.join(root, 'models/cardiology/ecg-rhythm/1.1.0'));
  const { instance: made, samples } = ecgInstance(beatsFile());
  const instance = { ...made, ...identity('ecg', 'ECG', '1.2.840.10008.5.1.4.1.1.9.1.1', 'waveform') };
  const { report } = await run(model, [instance], new Map(), samples);
  const [group] = instance['54000100']!.Value as [Record<string, unknown>];
  const whole = { ...group, '54001010': { vr: 'OW', InlineBinary: samples.toString('base64') } };
  return {
    studyInstanceUid: String(instance['0020000D']!.Value![0]),
    instances: [writePart10({ ...instance, '54000100': element('SQ', whole) }, explicitLittleEndian)],
    objects: [report],
  };
}

async function analysed(model: Model, pictures: { instance: DicomJson; pixels: Uint8Array }[]): Promise<ResultStudy> {
  const instances = pictures.map(({ instance }) => instance);
  const frames = new Map(pictures.map(({ instance, pixels }) => [String(instance['00080018']!.Value![0]), [pixels]]));
  const { report, files } = await run(model, instances, frames);
  return {
    studyInstanceUid: String(instances[0]!['0020000D']!.Value![0]),
    instances: pictures.map(({ instance, pixels }) =>
      writePart10(
        { ...instance, '7FE00010': { vr: 'OW', InlineBinary: Buffer.from(pixels).toString('base64') } },
        explicitLittleEndian,
      ),
    ),
    objects: [...files.map((file) => readFileSync(file)), report],
  };
}

async function run(model: Model, instances: DicomJson[], frames: Map<string, Uint8Array[]>, bulk?: Uint8Array) {
  const task = fetched(model, instances, frames, bulk);
  const output = await runModel(model, task, { executionProviders: ['cpu'], intraOpThreads: 1 });
  const sr = buildSr({ sources: task.input.instances, model, output, inputDigest: task.inputDigest });
  return { report: sr.bytes, files: output.objects.map(({ file }) => file) };
}

function identity(study: string, modality: string, sopClassUid: string, instance: string): DicomJson {
  return {
    ...studyAttributes(modality, sopClassUid, uidFromHash(`${instance} of ${study} for a viewer`)),
    '00100010': element('PN', { Alphabetic: `Results^${study}` }),
    '0020000D': element('UI', uidFromHash(`a study of ${study} for a viewer`)),
    '0020000E': element('UI', uidFromHash(`a series of ${study} for a viewer`)),
  };
}
