import { describe, expect, it } from '@jest/globals';
import { type DicomJson, jsonItems, jsonText, readPart10 } from '#libs/dicom';
import { type Finding, type Model, type ModelOutput, noDetails } from '../models/model.js';
import { buildSr } from './build-sr.js';
import { decimalString } from '#libs/reports';

const slice = (number: number): DicomJson => ({
  '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] },
  '00080018': { vr: 'UI', Value: [`1.2.3.${number}`] },
  '00080060': { vr: 'CS', Value: ['CT'] },
  '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Müller^Jörg' }] },
  '00100020': { vr: 'LO', Value: ['P1'] },
  '0020000D': { vr: 'UI', Value: ['1.2.3'] },
  '0020000E': { vr: 'UI', Value: [`1.2.3.4${number % 2}`] },
});
const sources = [1, 2, 3].map(slice);
const finding: Finding = {
  name: 'Lung volume',
  code: { value: '118565006', scheme: 'SCT', meaning: 'Volume' },
  value: 5123.456789012346,
  unit: { value: 'mL', scheme: 'UCUM', meaning: 'mL' },
  sourceInstances: sources.map((source) => ({
    sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
    sopInstanceUid: jsonText(source, '00080018') ?? '',
  })),
};
const model = {
  id: 'radiology/lung-density',
  version: '1.0.0',
  sha256: 'ab'.repeat(32),
  manifest: { title: 'Lung density' },
} as Model;
const output: ModelOutput = {
  outcome: 'positive',
  priority: 'HIGH',
  summary: 'Lung volume 5.1 L',
  findings: [finding],
  objects: [],
  details: noDetails,
  runtime: { name: 'onnxruntime-node', version: '1.30.0', executionProvider: 'cpu' },
  startedAt: '2026-11-21T04:00:00.000Z',
  finishedAt: '2026-11-21T04:00:03.000Z',
};
const build = (changes: Partial<ModelOutput> = {}, inputDigest = 'cd'.repeat(32)) =>
  buildSr({ sources, model, output: { ...output, ...changes }, inputDigest });

/** All content items, depth first, as "type name". */
function itemsOf(dataset: DicomJson): { type: string; name: string; item: DicomJson }[] {
  return jsonItems(dataset, '0040A730').flatMap((item) => [
    {
      type: jsonText(item, '0040A040') ?? '',
      name: jsonText(jsonItems(item, '0040A043')[0] ?? {}, '00080104') ?? '',
      item,
    },
    ...itemsOf(item),
  ]);
}

describe('buildSr', () => {
  it('is a measurement report in the patient’s study', () => {
    const { dataset, sopClassUid } = readPart10(build().bytes);
    expect(sopClassUid).toBe('1.2.840.10008.5.1.4.1.1.88.33');
    expect(jsonText(dataset, '0020000D')).toBe('1.2.3');
    expect(dataset['00100010']?.Value).toEqual([{ Alphabetic: 'Müller^Jörg' }]);
    expect(jsonText(jsonItems(dataset, '0040A504')[0] ?? {}, '0040DB00')).toBe('1500');
  });

  it('says which algorithm, version, digests and runtime made it', () => {
    const texts = itemsOf(readPart10(build().bytes).dataset)
      .filter(({ type }) => type === 'TEXT')
      .map(({ name, item }) => [name, jsonText(item, '0040A160')]);
    expect(texts).toContainEqual(['Algorithm Name', 'radiology/lung-density']);
    expect(texts).toContainEqual(['Algorithm Version', '1.0.0']);
    expect(texts).toContainEqual(['Algorithm Parameters', `Model SHA-256: ${'ab'.repeat(32)}`]);
    expect(texts).toContainEqual(['Algorithm Parameters', `Input SHA-256: ${'cd'.repeat(32)}`]);
    expect(texts).toContainEqual(['Algorithm Parameters', 'Runtime: onnxruntime-node 1.30.0, cpu']);
  });

  it('carries each measurement with its code, unit and sources', () => {
    const [number] = itemsOf(readPart10(build().bytes).dataset).filter(({ type }) => type === 'NUM');
    const measured = jsonItems(number?.item ?? {}, '0040A300')[0] ?? {};
    expect(Number(jsonText(measured, '0040A30A'))).toBeCloseTo(5123.456789, 5);
    expect(jsonText(jsonItems(measured, '004008EA')[0] ?? {}, '00080100')).toBe('mL');
    expect(itemsOf(number?.item ?? {})).toHaveLength(3);
  });

  it('lists every instance read as evidence, by series', () => {
    const [evidence] = jsonItems(readPart10(build().bytes).dataset, '0040A375');
    const series = jsonItems(evidence ?? {}, '00081115').map((one) => jsonItems(one, '00081199').length);
    expect(series).toEqual([2, 1]);
  });

  it('keeps its UID when the same run is repeated, and takes another for another input', () => {
    const uid = build().sopInstanceUid;
    expect(build({ finishedAt: '2026-11-21T05:00:00.000Z' }).sopInstanceUid).toBe(uid);
    expect(build({}, 'ef'.repeat(32)).sopInstanceUid).not.toBe(uid);
  });

  it('says inconclusive without a number', () => {
    const items = itemsOf(readPart10(build({ outcome: 'inconclusive', findings: [] }).bytes).dataset);
    expect(items.filter(({ type }) => type === 'NUM')).toEqual([]);
    const triage = items.find(({ name }) => name === 'Triage outcome')?.item ?? {};
    expect(jsonText(jsonItems(triage, '0040A168')[0] ?? {}, '00080104')).toBe('Inconclusive');
    expect(items.map(({ name }) => name)).toContain('Algorithm Version');
  });

  it('refuses a number that is none', () => {
    expect(() => build({ findings: [{ ...finding, value: Number.NaN }] })).toThrow('finite');
  });
});

describe('decimalString', () => {
  it.each([
    [0, '0'],
    [-1234.5, '-1234.5'],
    [1 / 3, '0.33333333333333'],
    [-1e-7 / 3, '-3.3333333333e-8'],
    [123456789012345680, '1.2345678901e+17'],
  ])('writes %p in at most 16 characters', (value, written) => {
    expect(decimalString(value)).toBe(written);
    expect(written.length).toBeLessThanOrEqual(16);
  });
});
