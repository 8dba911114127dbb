import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { darkOrBright } from '../../../../test/models/tiny-models.js';
import { parseManifest } from '../models/load-models.js';
import type { ModelInput } from '../models/model.js';
import { element } from '../runtime/fetch-from-files.fixture.js';
import { conclude } from './conclude.js';
import { Values } from './values.js';

const file = path.resolve(import.meta.dirname, '../../../../models/cardiology/ecg-rhythm/1.1.0/model.json');
const manifest = parseManifest(file, readFileSync(file));
const instance = { '00080016': element('UI', '1.5'), '00080018': element('UI', '1.9'), '00280008': element('IS', 3) };
const input: ModelInput = { seriesInstanceUid: '1.8', instances: [instance], frames: [], bulkData: [] };
const numbers = {
  beatCount: 12,
  'beats.height': 500,
  'beats.contrast': 40,
  heartRate: 72.4,
  rrVariationPercent: 3.14,
  rmssd: 21,
  qrsDuration: 92,
};
const answer = (changes: Partial<typeof numbers> = {}, of = input) =>
  conclude(manifest, of, new Values({ ...numbers, ...changes }));

describe('conclude', () => {
  it('is negative and LOW when no rule holds, each finding with its code, unit and flag', () => {
    expect(answer()).toMatchObject({
      outcome: 'negative',
      priority: 'LOW',
      summary: 'Heart rate 72/min · RR variation 3.1 % · QRS 92 ms',
    });
    expect(answer().findings[0]).toEqual({
      name: 'Heart rate',
      code: { value: '2:16016', scheme: 'MDC', meaning: 'Ventricular Heart Rate' },
      value: 72,
      unit: { value: '/min', scheme: 'UCUM', meaning: 'per minute' },
      flag: 'normal',
      threshold: 130,
      sourceInstances: [{ sopClassUid: '1.5', sopInstanceUid: '1.9' }],
    });
    expect(answer().findings[2]).not.toHaveProperty('flag');
  });

  it('takes the most urgent of the rules that hold, and says which threshold was passed', () => {
    expect(answer({ heartRate: 101 })).toMatchObject({
      outcome: 'positive',
      priority: 'MEDIUM',
      findings: [{ flag: 'abnormal', threshold: 100 }, {}, {}, {}],
    });
    expect(answer({ heartRate: 131, qrsDuration: 140 })).toMatchObject({
      priority: 'HIGH',
      findings: [{ threshold: 130 }, {}, {}, { flag: 'abnormal' }],
    });
    expect(answer({ heartRate: 45 })).toMatchObject({
      outcome: 'positive',
      priority: 'LOW',
      findings: [{ flag: 'abnormal', threshold: 50 }, {}, {}, {}],
    });
    expect(answer({ heartRate: 100 }).outcome).toBe('negative');
  });

  it.each<[string, Partial<typeof numbers>, RegExp]>([
    ['a check fails below', { beatCount: 3 }, /^Inconclusive: fewer than four beats were found\.$/],
    ['a check fails above', { heartRate: 301 }, /rate a heart can have/],
    ['a checked value is NaN', { 'beats.contrast': NaN }, /do not stand out/],
    ['a measurement is NaN', { qrsDuration: NaN }, /QRS duration could not be measured/],
    ['a measurement is infinite', { rmssd: Infinity }, /RMSSD of RR intervals could not be measured/],
  ])('is inconclusive and gives no number when %s', (_, changes, summary) => {
    const given = answer(changes);
    expect(given).toMatchObject({ outcome: 'inconclusive', priority: 'LOW', findings: [] });
    expect(given.summary).toMatch(summary);
  });

  it('names frames only where not all of an instance were read', () => {
    const frame = (frameNumber: number) => ({ sopInstanceUid: '1.9', frameNumber });
    const some = answer({}, { ...input, frames: [frame(1), frame(3)] });
    expect(some.findings[0]!.sourceInstances).toEqual([{ sopClassUid: '1.5', sopInstanceUid: '1.9', frames: [1, 3] }]);
    const all = answer({}, { ...input, frames: [frame(1), frame(2), frame(3)] });
    expect(all.findings[0]!.sourceInstances).toEqual([{ sopClassUid: '1.5', sopInstanceUid: '1.9' }]);
  });

  it('says the class that was chosen by its label, and follows the rules for it', () => {
    const classes = parseManifest('model.json', Buffer.from(JSON.stringify(darkOrBright().manifest)));
    const chosen = (top: number, score: number) =>
      conclude(classes, input, new Values({ top, 'top.score': score, 'p.dark': 1 - score, 'p.bright': score }));
    expect(chosen(1, 0.81)).toMatchObject({
      outcome: 'positive',
      priority: 'MEDIUM',
      summary: 'Shade: Bright',
      findings: [{ name: 'Shade: Bright', value: 0.81, category: { value: 'BRIGHT' }, flag: 'abnormal' }],
    });
    expect(chosen(0, 0.3)).toMatchObject({
      outcome: 'negative',
      summary: 'Shade: Dark',
      findings: [{ flag: 'normal' }],
    });
    expect(chosen(0, NaN)).toMatchObject({
      outcome: 'inconclusive',
      summary: 'Inconclusive: Shade could not be told.',
    });
  });
});
