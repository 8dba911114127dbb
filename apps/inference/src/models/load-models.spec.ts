import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadModel, loadModels, parseManifest } from './load-models.js';

const shipped = path.resolve(import.meta.dirname, '../../../../models/radiology/lung-density/1.1.0');
const json = () => JSON.parse(readFileSync(path.join(shipped, 'model.json'), 'utf8')) as object;
const kind = { value: 'KIND', scheme: '99ISOCENTER', meaning: 'Kind' };
const parse = (manifest: unknown) => parseManifest('model.json', Buffer.from(JSON.stringify(manifest)));

describe('loadModels', () => {
  let root: string;
  let folder: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'isocenter-models-'));
    folder = path.join(root, 'radiology/lung-density/1.1.0');
    mkdirSync(folder, { recursive: true });
    cpSync(shipped, folder, { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('gives a model its id, version and the digest of its bytes', async () => {
    const [model] = await loadModels(root);
    expect(model).toMatchObject({
      id: 'radiology/lung-density',
      version: '1.1.0',
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
    await expect(failure).rejects.toThrow(/lung-density\/1\.1\.0\/model\.onnx cannot be read/);
    await expect(failure).rejects.toThrow(/second\/1\.0\.0\/model\.json: not JSON/);
    await expect(failure).rejects.toThrow(/third\/latest: a model lies in <specialty>\/<name>\/<version>/);
    await expect(failure).rejects.toMatchObject({ code: 'invalid-model' });
  });

  it('refuses a file that is no network', async () => {
    writeFileSync(path.join(folder, 'model.onnx'), 'PK\u0003\u0004 not a network');
    await expect(loadModel(folder)).rejects.toThrow(/model\.onnx: This is no ONNX file, or not all of one: /);
  });

  it('says so when there is no models folder', async () => {
    await expect(loadModels(path.join(root, 'nowhere'))).rejects.toThrow(/The models folder .*nowhere cannot be read/);
  });
});

describe('parseManifest', () => {
  it('takes the shipped one', () => {
    expect(parse(json()).input.kind).toBe('stack');
  });

  it.each<[string, string, unknown, RegExp]>([
    ['a missing key', 'licence', undefined, /model\.json: licence: /],
    ['a key nobody knows', 'colour', 1, /colour/],
    ['a unit that is not UCUM', 'measurements.1.unit.scheme', 'SI', /measurements\[1\]\.unit\.scheme: .*UCUM/],
    [
      'a keyword DICOM does not know',
      'accepts.instances.0.keyword',
      'Modalitie',
      /instances\[0\]\.keyword: Modalitie is no/,
    ],
    ['an input that is no number', 'inputs.0.dtype', 'bool', /inputs\[0\]\.dtype: /],
    ['an unknown step', 'postprocessing.0.step', 'guess', /postprocessing\[0\]\.step: /],
    [
      'a check that checks nothing',
      'checks.0',
      { value: 'lung.count', otherwise: 'no lung is there.' },
      /checks\[0\]: a check needs/,
    ],
    [
      'a name nothing gives',
      'postprocessing.2.of',
      'liver.histogram',
      /postprocessing\[2\]: nothing before it gives "liver\.histogram"/,
    ],
    [
      'a name of the wrong kind',
      'postprocessing.3.of',
      'lung.histogram',
      /"lung\.histogram" is a histogram, ratio needs a number/,
    ],
    ['a name given twice', 'postprocessing.3.gives', 'airHu', /postprocessing\[3\]\.gives: "airHu" is taken/],
    [
      'a measurement of nothing',
      'measurements.0.value',
      'litres',
      /measurements\[0\]\.value: no step gives a number named "litres"/,
    ],
    ['a summary of nothing', 'summary', '{liver} mL', /summary: no measurement or class has the id "liver"/],
    [
      'a rule for nothing',
      'triage.0.measurement',
      'liver',
      /triage\[0\]\.measurement: no measurement has the id "liver"/,
    ],
    [
      'a class of no step',
      'classes',
      [{ id: 'kind', of: 'lung', label: 'Kind', code: kind }],
      /no top-label step gives "lung"/,
    ],
    ['a rule for no class', 'triage.0', { class: 'kind', oneOf: ['x'], priority: 'LOW' }, /no class has the id "kind"/],
    ['a model that says nothing', 'measurements', [], /there is no measurement and no class/],
    [
      'a step for another input',
      'postprocessing.0',
      { step: 'list-peaks', of: 'air', over: 'air', gives: 'lung' },
      /works on a waveform, the input is a stack/,
    ],
  ])('refuses %s and says where', (_, key, value, message) => {
    const manifest = json();
    const path = key.split('.');
    const holder = path.slice(0, -1).reduce<object>((at, part) => Reflect.get(at, part) as object, manifest);
    Reflect.set(holder, path.at(-1)!, value);
    expect(() => parse(manifest)).toThrow(message);
  });
});
