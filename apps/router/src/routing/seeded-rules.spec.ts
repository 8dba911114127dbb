import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type DicomJson, jsonText, readPart10 } from '#libs/dicom';
import { evaluateRules } from './evaluate-rules.js';
import type { RoutingRule } from './rule.js';
import { seededRules } from './seeded-rules.js';
import { chooseSpecialty } from './specialty.js';
import { isSource, type StudyFacts } from './study-facts.js';

const dicom = path.resolve(import.meta.dirname, '../../../../../shared/data/dicom');
const withRealData = existsSync(dicom) ? describe : describe.skip;

/** A study of one real instance: its series knows what its header says. */
function factsOf(file: string): StudyFacts {
  const { dataset, sopClassUid, studyInstanceUid, seriesInstanceUid } = readPart10(
    readFileSync(path.join(dicom, file)),
  );
  const modality = jsonText(dataset, '00080060') ?? '';
  const only = (...tags: string[]): DicomJson =>
    Object.fromEntries(Object.entries(dataset).filter(([tag]) => tags.includes(tag)));
  return {
    studyKey: 1,
    studyInstanceUid,
    arrivedAt: new Date(0),
    secondsSinceLastReceived: 0,
    inputDigest: '',
    attributes: only('00081030', '00100020'),
    series: [
      {
        seriesInstanceUid,
        modality,
        sopClasses: [sopClassUid],
        numberOfInstances: 1,
        numberOfFrames: 1,
        attributes: only('00080060', '0008103E'),
        sample: dataset,
        isSource: isSource(modality, [sopClassUid]),
      },
    ],
  };
}

const rules: RoutingRule[] = seededRules.map((seed, position) => ({ ...seed, version: 1, position, isEnabled: true }));
const firstOf = (folder: string) =>
  path.join(folder, readdirSync(path.join(dicom, folder)).filter((name) => name.endsWith('.dcm'))[0] ?? '');

// Skipped where the shared studies are not beside the checkout.
withRealData('the rules a new installation starts with, on real studies', () => {
  it.each<[string, () => string, string, string[]]>([
    ['a screening chest CT', () => firstOf('ct/chest-nlst-101287'), 'radiology', ['radiology/lung-density']],
    [
      'a chest CT known by its description only',
      () => 'ct/single/SignedCT.dcm',
      'radiology',
      ['radiology/lung-density'],
    ],
    ['a head CT', () => firstOf('ct/head-axial-toshiba'), 'radiology', []],
    ['a 12-lead ECG', () => 'ecg/waveform_ecg.dcm', 'cardiology', ['cardiology/ecg-rhythm']],
    ['a slide', () => firstOf('sm-pathology/mouse-pyramid-5-levels'), 'pathology', ['pathology/he-cellularity']],
    ['a chest radiograph', () => 'cr-dx/chest/966_fixed.dcm', 'radiology', []],
    ['a report on a chest CT', () => firstOf('sr/nlst-101287-sybil-tid1500'), 'radiology', []],
    ['a stress echocardiogram', () => 'us-echo/implicit_us_jpeg2k-lossless-mono2-multiframe.dcm', 'cardiology', []],
    ['a segmentation', () => 'seg/qin-headneck-0003/seg.dcm', 'radiology', []],
  ])('%s', (_, file, specialty, models) => {
    const facts = factsOf(file());
    expect(chooseSpecialty(facts).specialty).toBe(specialty);
    expect(evaluateRules(rules, facts).orders.map(({ model }) => model)).toEqual(models);
  });
});
