import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadModel, loadModels, parseManifest } from './load-models.js';

const shipped = path.resolve(import.meta.dirname, '../../../../models/radiology/lung-density/1.0.0');
const json = () => JSON.parse(readFileSync(path.join(shipped, 'model.json'), 'utf8')) as Record<string, any>;
const parse = (manifest: unknown) => parseManifest('model.json', Buffer.from(JSON.stringify(manifest)));

describe('loadModels', () => {
  let root: string;
  let folder: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'isocenter-models-'));
    folder = path.join(root, 'radiology/lung-density/1.0.0');
    mkdirSync(folder, { recursive: true });
    cpSync(shipped, folder, { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('gives a model its id, version and the digest of its bytes', async () => {
    const [model] = await loadModels(root);
    expect(model).toMatchObject({
      id: 'radiology/lung-density',
      version: '1.0.0',
      specialty: 'radiology',
      directory: folder,
    });
    expect(model!.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('tells all that is wrong at once, and loads nothing', async () => {
    cpSync(folder, path.join(root, 'radiology/second/1.0.0'), { recursive: true });
    cpSync(folder, path.join(root, 'radiology/third/latest'), { recursive: true });
    rmSync(path.join(folder, 'model.onnx'));
    writeFileSync(path.join(root, 'radiology/second/1.0.0/model.json'), '{ "title": ');
    const failure = loadModels(root);
    await expect(failure).rejects.toThrow(/lung-density\/1\.0\.0\/model\.onnx cannot be read/);
    await expect(failure).rejects.toThrow(/second\/1\.0\.0\/model\.json: not JSON/);
    await expect(failure).rejects.toThrow(/third\/latest: a model lies in <specialty>\/<name>\/<version>/);
    await expect(failure).rejects.toMatchObject({ code: 'invalid-model' });
  });

  it('refuses a file that is no network', async () => {
    writeFileSync(path.join(folder, 'model.onnx'), 'PK\u0003\u0004 not a network');
    await expect(loadModel(folder)).rejects.toThrow(/model\.onnx: model\.onnx is no ONNX file/);
  });

  it('says so when there is no models folder', async () => {
    await expect(loadModels(path.join(root, 'nowhere'))).rejects.toThrow(/The models folder .*nowhere cannot be read/);
  });
});

describe('parseManifest', () => {
  it('takes the shipped one', () => {
    expect(parse(json()).input.kind).toBe('volume');
  });

  it.each<[string, (manifest: Record<string, any>) => void, RegExp]>([
    ['a missing key', (m) => delete m.licence, /model\.json: licence: /],
    ['a key nobody knows', (m) => (m.colour = 1), /colour/],
    [
      'a unit that is not UCUM',
      (m) => (m.measurements[1].unit.scheme = 'SI'),
      /measurements\[1\]\.unit\.scheme: .*UCUM/,
    ],
    [
      'a keyword DICOM does not know',
      (m) => (m.accepts.instances[0].keyword = 'Modalitie'),
      /accepts\.instances\[0\]\.keyword: Modalitie is no keyword/,
    ],
    ['an input that is not float32', (m) => (m.inputs[0].dtype = 'uint8'), /inputs\[0\]\.dtype: /],
    ['an unknown step', (m) => (m.postprocessing[0].step = 'guess'), /postprocessing\[0\]\.step: /],
    [
      'a check that checks nothing',
      (m) => (m.checks[0] = { value: 'lung.count', otherwise: 'something is wrong.' }),
      /checks\[0\]: a check needs/,
    ],
    [
      'a name nothing gives',
      (m) => (m.postprocessing[2].of = 'liver.histogram'),
      /postprocessing\[2\]: nothing before it gives "liver\.histogram"/,
    ],
    [
      'a name of the wrong kind',
      (m) => (m.postprocessing[3].of = 'lung.histogram'),
      /postprocessing\[3\]: "lung\.histogram" is a histogram, ratio needs a number/,
    ],
    [
      'a name given twice',
      (m) => (m.postprocessing[3].gives = 'airHu'),
      /postprocessing\[3\]\.gives: "airHu" is taken/,
    ],
    [
      'a measurement of nothing',
      (m) => (m.measurements[0].value = 'litres'),
      /measurements\[0\]\.value: no step gives a number named "litres"/,
    ],
    ['a summary of nothing', (m) => (m.summary = '{liver} mL'), /summary: no measurement has the id "liver"/],
    [
      'a rule for nothing',
      (m) => (m.triage[0].measurement = 'liver'),
      /triage\[0\]\.measurement: no measurement has the id "liver"/,
    ],
    [
      'a step for another input',
      (m) => (m.postprocessing[0] = { step: 'list-peaks', of: 'air', over: 'air', gives: 'lung' }),
      /list-peaks works on a waveform, the input is a volume/,
    ],
  ])('refuses %s and says where', (_, spoil, message) => {
    const manifest = json();
    spoil(manifest);
    expect(() => parse(manifest)).toThrow(message);
  });
});
