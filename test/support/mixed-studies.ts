import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { type DicomJson, explicitLittleEndian, newUid, writePart10 } from '#libs/dicom';
import { element } from '../../apps/inference/src/runtime/fetch-from-files.fixture.js';
import { beatsFile, ecgInstance, pixelAttributes, slideLevel, studyAttributes } from '../models/fetched-samples.js';
import { boxesAndMap } from '../models/tiny-models.js';
import { temporaryFolder } from './temporary-folder.js';

const root = path.resolve(import.meta.dirname, '../..');
export const tinyModel = 'radiology/boxes-and-map';

/** The shipped models, and a tiny one of radiographs, which no rule asks for yet. */
export function modelsWithTiny(): string {
  const folder = temporaryFolder('models');
  cpSync(path.join(root, 'models'), folder, { recursive: true });
  const place = path.join(folder, tinyModel, '1.0.0');
  mkdirSync(place, { recursive: true });
  const { manifest, network } = boxesAndMap();
  writeFileSync(path.join(place, 'model.json'), JSON.stringify(manifest));
  writeFileSync(path.join(place, 'model.onnx'), network);
  return folder;
}

/** A rule for {@link tinyModel}. */
export async function askForTiny(url: string): Promise<void> {
  const post = async (place: string, body: unknown) => {
    const response = await fetch(`${url}/api/rules${place}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${place} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as { ruleId: string };
  };
  const gives = { models: [{ model: tinyModel, version: 'current' }], forward: [], schedule: 'now', isLast: false };
  const definition = { description: '', level: 'series', when: { keyword: 'Modality', is: 'DX' }, gives };
  const { ruleId } = await post('', { name: 'Radiographs', definition });
  await post(`/${ruleId}/activate`, {});
}

export interface MixedStudy {
  studyInstanceUid: string;
  patientId: string;
  bytes: Uint8Array;
}

/** A radiograph, an ECG or a slide, by turns, each a study of one instance. */
export async function mixedStudy(index: number): Promise<MixedStudy> {
  const instance = await [radiograph, ecg, slide][index % 3]!(index);
  const studyInstanceUid = newUid();
  const patientId = `MIXED-${index}`;
  const own: DicomJson = {
    ...instance,
    '00080018': element('UI', newUid()),
    '0020000D': element('UI', studyInstanceUid),
    '0020000E': element('UI', newUid()),
    '00100020': element('LO', patientId),
  };
  return { studyInstanceUid, patientId, bytes: writePart10(own, explicitLittleEndian) };
}

export async function ecg(): Promise<DicomJson> {
  const { instance, samples } = ecgInstance(beatsFile());
  const group = instance['54000100']!.Value![0] as DicomJson;
  group['54001010'] = { vr: 'OW', InlineBinary: samples.toString('base64') };
  return instance;
}

/** A PNG of stripes. */
export async function greyPicture(size: number): Promise<string> {
  const file = path.join(temporaryFolder('picture'), 'picture.png');
  const pixels = Buffer.from(Array.from({ length: size * size }, (_, at) => (at * 7) % 256));
  await sharp(pixels, { raw: { width: size, height: size, channels: 1 } })
    .png()
    .toFile(file);
  return file;
}

async function radiograph(index: number): Promise<DicomJson> {
  const pixels = Buffer.from(Array.from({ length: 128 * 128 }, (_, at) => (at * (index + 1)) % 251));
  return {
    ...studyAttributes('DX', '1.2.840.10008.5.1.4.1.1.1.1', '1.9'),
    ...pixelAttributes(128, 128),
    '7FE00010': { vr: 'OW', InlineBinary: pixels.toString('base64') },
  };
}

/** Stripes of nuclei in tissue beside clear glass, at three micrometres a pixel. */
async function slide(): Promise<DicomJson> {
  const [width, height] = [256, 192];
  const pixels = Buffer.alloc(width * height * 3, 245);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width / 2; x++) pixels.set(y % 4 === 0 ? [90, 60, 140] : [230, 150, 190], (y * width + x) * 3);
  const file = path.join(temporaryFolder('slide'), 'slide.png');
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file);
  const { instance, frames } = await slideLevel(file, [64, 64]);
  return {
    ...instance,
    '52009229': element('SQ', {
      '00289110': element('SQ', { '00180050': element('DS', 0.001), '00280030': element('DS', 0.003, 0.003) }),
    }),
    '7FE00010': { vr: 'OW', InlineBinary: Buffer.concat(frames).toString('base64') },
  };
}
