import { describe, expect, it } from '@jest/globals';
import { makeFacts, type SeriesDescription, sopClass } from '../../../../test/support/router/make-facts.js';
import { chooseSpecialty } from './specialty.js';

const ct: SeriesDescription = { modality: 'CT' };
const ecg: SeriesDescription = { modality: 'ECG', sopClasses: [sopClass.ecg12] };
const xa: SeriesDescription = { modality: 'XA', sopClasses: [sopClass.xa] };
const us: SeriesDescription = { modality: 'US', sopClasses: [sopClass.us] };
const sr: SeriesDescription = { modality: 'SR', sopClasses: [sopClass.comprehensiveSr] };

const specialty = (series: SeriesDescription[], attributes: Record<string, unknown> = {}) =>
  chooseSpecialty(makeFacts(series, { attributes })).specialty;

describe('chooseSpecialty', () => {
  it.each<[string, SeriesDescription[], string]>([
    ['CT', [ct], 'radiology'],
    ['a report with CT', [sr, ct], 'radiology'],
    ['nothing but a report', [sr], 'radiology'],
    ['nothing', [], 'radiology'],
    ['a modality nobody knows', [{ modality: 'ZZ', sopClasses: ['1.2.3'] }], 'radiology'],
    ['12-lead ECG', [ecg], 'cardiology'],
    ['general ECG', [{ modality: 'ECG', sopClasses: [sopClass.ecgGeneral] }], 'cardiology'],
    ['an ECG of another modality', [{ modality: 'OT', sopClasses: [sopClass.ecg12] }], 'cardiology'],
    ['the modality ECG as a document', [{ modality: 'ecg ', sopClasses: ['1.2.3'] }], 'cardiology'],
    ['haemodynamics', [{ modality: 'HD', sopClasses: [sopClass.hemodynamic] }], 'cardiology'],
    ['electrophysiology', [{ modality: 'EPS', sopClasses: ['1.2.3'] }], 'cardiology'],
    ['cath lab cine with its pressures', [xa, { modality: 'HD', sopClasses: [sopClass.hemodynamic] }], 'cardiology'],
    ['cath lab cine with IVUS', [xa, { modality: 'IVUS', sopClasses: [sopClass.us] }], 'cardiology'],
    ['an ECG strip in a CT study', [ct, ecg], 'radiology'],
    ['whole slide microscopy', [{ modality: 'SM', sopClasses: [sopClass.wholeSlide] }], 'pathology'],
    ['a slide of another modality', [{ modality: 'OT', sopClasses: [sopClass.wholeSlide] }], 'pathology'],
    ['the modality SM alone', [{ modality: 'SM', sopClasses: [sopClass.secondaryCapture] }], 'pathology'],
    ['angiography of nobody knows what', [xa], 'radiology'],
    ['ultrasound of nobody knows what', [us], 'radiology'],
  ])('%s', (_, series, expected) => {
    expect(specialty(series)).toBe(expected);
  });

  it.each([
    ['Exercise Echocardiogram', 'cardiology'],
    ['TTE complete', 'cardiology'],
    ['TEE', 'cardiology'],
    ['ECHO 2D', 'cardiology'],
    ['Échocardiographie transthoracique', 'cardiology'],
    ['Echokardiographie', 'cardiology'],
    ['US_HEART', 'cardiology'],
    ['Thyroid', 'radiology'],
    ['Échographie abdominale', 'radiology'],
    ['echogenic lesion of the liver', 'radiology'],
    ['Guidance for steel rod', 'radiology'],
  ])('ultrasound called "%s" is for %s', (StudyDescription, expected) => {
    expect(specialty([us], { StudyDescription })).toBe(expected);
  });

  it.each([
    ['Coronary angiography', 'cardiology'],
    ['Koronarangiographie', 'cardiology'],
    ['LCA RAO 30', 'cardiology'],
    ['Cardiac Cath Lab', 'cardiology'],
    ['Low fps Abdomen', 'radiology'],
    ['Cerebral angiography', 'radiology'],
    ['Lower leg runoff', 'radiology'],
  ])('angiography called "%s" is for %s', (StudyDescription, expected) => {
    expect(specialty([xa], { StudyDescription })).toBe(expected);
  });

  it('reads body part and protocol, of the series and of its first instance', () => {
    expect(specialty([{ ...us, attributes: { BodyPartExamined: 'HEART' } }])).toBe('cardiology');
    expect(specialty([{ ...xa, sample: { ProtocolName: 'Coronaries 15 fps' } }])).toBe('cardiology');
  });

  it('does not take words for more than they are: a heart in a CT is radiology', () => {
    expect(specialty([ct], { StudyDescription: 'CT Heart coronary calcium' })).toBe('radiology');
  });

  it('says what decided', () => {
    expect(chooseSpecialty(makeFacts([ecg])).reason).toBe('It holds 12-lead ECG instances.');
    expect(chooseSpecialty(makeFacts([us], { attributes: { StudyDescription: 'TTE' } })).reason).toBe(
      'It holds US whose description says "tte".',
    );
    expect(chooseSpecialty(makeFacts([ct, ecg])).reason).toBe('It holds 12-lead ECG instances, but also CT.');
    expect(chooseSpecialty(makeFacts([ct])).reason).toBe('It holds CT, and nothing says otherwise.');
  });
});
