import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { DicomJson } from '#libs/dicom';
import { element } from '../runtime/fetch-from-files.fixture.js';
import { loadModel } from './load-models.js';
import type { ModelManifest } from './manifest.js';
import { selectInput } from './select-input.js';

const models = path.resolve(import.meta.dirname, '../../../../models');
const ct = '1.2.840.10008.5.1.4.1.1.2';

function slice(series: string, index: number, changes: DicomJson = {}): DicomJson {
  return {
    '00080008': element('CS', 'ORIGINAL', 'PRIMARY', 'AXIAL'),
    '00080016': element('UI', ct),
    '00080018': element('UI', `${series}.${index}`),
    '00080060': element('CS', 'CT'),
    '00180015': element('CS', 'Chest'),
    '0020000E': element('UI', series),
    '00200011': element('IS', 3),
    '00200032': element('DS', -100, -100, 500 + 2 * index),
    '00200037': element('DS', 1, 0, 0, 0, 1, 0),
    '00280010': element('US', 512),
    '00280011': element('US', 512),
    '00280030': element('DS', 0.7, 0.7),
    ...changes,
  };
}

const series = (uid: string, count: number, changes: DicomJson = {}) =>
  Array.from({ length: count }, (_, index) => slice(uid, index, changes));

describe('selectInput of a volume', () => {
  let manifest: ModelManifest;
  beforeAll(async () => {
    ({ manifest } = await loadModel(path.join(models, 'radiology/lung-density/1.1.0')));
  });
  const reason = (instances: DicomJson[]) => (selectInput(manifest, instances) as { unsuitable: string }).unsuitable;

  it('puts slices in the order of their positions, feet first, whatever the order of arrival and whatever way they were scanned', () => {
    const arrived = series('1.2', 100).toReversed();
    arrived.push(arrived.shift()!);
    const input = selectInput(manifest, arrived);
    expect(input).toMatchObject({ seriesInstanceUid: '1.2', bulkData: [] });
    expect((input as { frames: unknown[] }).frames).toEqual(
      Array.from({ length: 100 }, (_, index) => ({ sopInstanceUid: `1.2.${index}`, frameNumber: 1 })),
    );

    const headDown = series('1.3', 100, { '00200037': element('DS', 1, 0, 0, 0, -1, 0) });
    expect(selectInput(manifest, headDown)).toMatchObject({
      frames: expect.arrayContaining([{ sopInstanceUid: '1.3.0', frameNumber: 1 }]),
    });
    expect(
      (selectInput(manifest, headDown) as { frames: { sopInstanceUid: string }[] }).frames[0]!.sopInstanceUid,
    ).toBe('1.3.0');
  });

  it('prefers a smooth kernel, then the series with most slices, and does not depend on the order', () => {
    const sharp = series('1.1', 140, { '00181210': element('SH', 'FC51') });
    const smooth = series('1.2', 90, { '00181210': element('SH', 'FC01') });
    const fewer = series('1.3', 80, { '00181210': element('SH', 'FC01') });
    for (const study of [[...sharp, ...smooth, ...fewer], [...fewer, ...smooth, ...sharp].toReversed()])
      expect(selectInput(manifest, study)).toMatchObject({ seriesInstanceUid: '1.2' });
  });

  it('leaves a scout aside that lies in the same series', () => {
    const scout = slice('1.2', 999, { '00080008': element('CS', 'ORIGINAL', 'PRIMARY', 'LOCALIZER') });
    const input = selectInput(manifest, [scout, ...series('1.2', 100)]);
    expect((input as { frames: unknown[] }).frames).toHaveLength(100);
  });

  it.each<[string, () => DicomJson[], RegExp]>([
    ['nothing', () => [], /no instances/],
    [
      'a scout',
      () => [slice('1.2', 0, { '00080008': element('CS', 'ORIGINAL', 'PRIMARY', 'LOCALIZER') })],
      /series 3: ImageType is ORIGINAL\\PRIMARY\\LOCALIZER/,
    ],
    ['too few slices', () => series('1.2', 39), /39 slices, at least 40 are needed/],
    [
      'another modality',
      () => series('1.2', 100, { '00080060': element('CS', 'MR') }),
      /Modality is MR, not one of CT/,
    ],
    ['another body part', () => series('1.2', 100, { '00180015': element('CS', 'HEAD') }), /BodyPartExamined is HEAD/],
    [
      'coronal slices',
      () => series('1.2', 100, { '00200037': element('DS', 1, 0, 0, 0, 0, -1) }),
      /the slices are not axial/,
    ],
    [
      'a gap',
      () => series('1.2', 100).toSpliced(40, 1),
      /a gap between slices at 578\.0 mm \(4\.00 mm instead of 2\.00 mm\)/,
    ],
    [
      'two scans in one series',
      () => [...series('1.2', 100), slice('1.2', 50, { '00080018': element('UI', '1.2.999') })],
      /two slices at the same position \(600\.0 mm\)/,
    ],
    [
      'slices of different sizes',
      () => [...series('1.2', 100), slice('1.2', 100, { '00280010': element('US', 256) })],
      /different sizes/,
    ],
    [
      'slices without a position',
      () => series('1.2', 100, { '00200032': { vr: 'DS' } }),
      /ImagePositionPatient is absent or damaged/,
    ],
    [
      'a position that is no number',
      () => series('1.2', 100, { '00200032': element('DS', 'a', 'b', 'c') }),
      /ImagePositionPatient is absent or damaged/,
    ],
    ['too short a scan', () => series('1.2', 50), /cover 98 mm, at least 150 mm/],
    [
      'thick slices',
      () => series('1.2', 100, { '00180050': element('DS', 7.5) }),
      /SliceThickness is 7\.5, at most 5 is allowed/,
    ],
  ])('says why %s does not suit', (_, study, message) => {
    expect(reason(study())).toMatch(message);
  });

  it('reads positions of an enhanced image from its functional groups', () => {
    const enhanced: DicomJson = {
      ...slice('1.2', 0),
      '00080016': element('UI', '1.2.840.10008.5.1.4.1.1.2.1'),
      '00280008': element('IS', 100),
      '52009229': element('SQ', {
        '00209116': element('SQ', { '00200037': element('DS', 1, 0, 0, 0, 1, 0) }),
        '00289110': element('SQ', { '00280030': element('DS', 0.7, 0.7) }),
      }),
      '52009230': element(
        'SQ',
        ...Array.from({ length: 100 }, (_, index) => ({
          '00209113': element('SQ', { '00200032': element('DS', 0, 0, -2 * index) }),
        })),
      ),
    };
    const input = selectInput(manifest, [enhanced]);
    expect(input).toMatchObject({ instances: [enhanced] });
    expect((input as { frames: { frameNumber: number }[] }).frames.map((frame) => frame.frameNumber)).toEqual(
      Array.from({ length: 100 }, (_, index) => 100 - index),
    );
  });
});

describe('selectInput of a waveform', () => {
  let manifest: ModelManifest;
  beforeAll(async () => {
    ({ manifest } = await loadModel(path.join(models, 'cardiology/ecg-rhythm/1.1.0')));
  });
  const group = (label: string, samples: number, channels: [string, string][], extra: DicomJson = {}): DicomJson => ({
    '003A0010': element('UL', samples),
    '003A001A': element('DS', 500),
    '003A0020': element('SH', label),
    '003A0200': element(
      'SQ',
      ...channels.map(([value, scheme]) => ({
        '003A0208': element('SQ', { '00080100': element('SH', value), '00080102': element('SH', scheme) }),
      })),
    ),
    ...extra,
  });
  const mdc: [string, string][] = [1, 2, 3, 4, 5, 6, 7, 8].map((lead) => [`2:${lead}`, 'MDC']);
  const scp: [string, string][] = [1, 2, 3, 4, 5, 6, 7, 8].map((lead) => [`5.6.3-9-${lead}`, 'SCPECG']);
  const ecg = (...groups: DicomJson[]): DicomJson => ({
    '00080016': element('UI', '1.2.840.10008.5.1.4.1.1.9.1.1'),
    '00080018': element('UI', '1.9'),
    '00080060': element('CS', 'ECG'),
    '0020000E': element('UI', '1.8'),
    '54000100': element('SQ', ...groups),
  });

  it.each([
    ['MDC', mdc],
    ['SCPECG', scp],
  ] as const)('takes the rhythm strip and not the median beat, leads coded in %s', (_, channels) => {
    const input = selectInput(manifest, [
      ecg(group('MEDIAN BEAT', 600, [...channels]), group('RHYTHM', 5000, [...channels])),
    ]);
    expect(input).toMatchObject({ frames: [], bulkData: [{ sopInstanceUid: '1.9', tagPath: '54000100/1/54001010' }] });
  });

  it('fetches nothing when the samples are inline', () => {
    expect(
      selectInput(manifest, [ecg(group('RHYTHM', 5000, mdc, { '54001010': { vr: 'OW', InlineBinary: 'AAAA' } }))]),
    ).toMatchObject({ bulkData: [] });
  });

  it.each<[string, DicomJson[], RegExp]>([
    ['a lead is missing', [ecg(group('RHYTHM', 5000, mdc.slice(0, 7)))], /RHYTHM lacks lead V6/],
    ['it is too short', [ecg(group('RHYTHM', 3999, mdc))], /RHYTHM is 8\.0 s long, at least 8 s/],
    [
      'it is of another kind',
      [{ ...ecg(group('RHYTHM', 5000, mdc)), '00080060': element('CS', 'HD') }],
      /Modality is HD/,
    ],
    ['it has no waveform', [ecg()], /there is no waveform in it/],
  ])('says so when %s', (_, study, message) => {
    expect((selectInput(manifest, study) as { unsuitable: string }).unsuitable).toMatch(message);
  });
});

describe('selectInput of slide tiles', () => {
  let manifest: ModelManifest;
  beforeAll(async () => {
    ({ manifest } = await loadModel(path.join(models, 'pathology/he-cellularity/1.1.0')));
  });
  const level = (uid: string, micrometres: number, tiles: number, changes: DicomJson = {}): DicomJson => ({
    '00080008': element('CS', 'DERIVED', 'PRIMARY', 'VOLUME', 'RESAMPLED'),
    '00080016': element('UI', '1.2.840.10008.5.1.4.1.1.77.1.6'),
    '00080018': element('UI', uid),
    '00080060': element('CS', 'SM'),
    '0020000E': element('UI', '1.8'),
    '00280002': element('US', 3),
    '00280008': element('IS', tiles),
    '00280010': element('US', 256),
    '00280011': element('US', 256),
    '00480006': element('UL', 4000),
    '00480007': element('UL', 4000),
    '52009229': element('SQ', {
      '00289110': element('SQ', { '00280030': element('DS', micrometres / 1000, micrometres / 1000) }),
    }),
    ...changes,
  });
  const reason = (instances: DicomJson[]) => (selectInput(manifest, instances) as { unsuitable: string }).unsuitable;

  it('takes the pyramid level nearest the wanted pixel spacing, never label or overview', () => {
    const label = level('1.1', 3, 1, { '00080008': element('CS', 'ORIGINAL', 'PRIMARY', 'LABEL', 'NONE') });
    const input = selectInput(manifest, [
      label,
      level('1.2', 0.5, 4000),
      level('1.3', 2, 256),
      level('1.4', 4, 64),
      level('1.5', 16, 4),
    ]);
    expect(input).toMatchObject({ instances: [expect.objectContaining({ '00080018': element('UI', '1.4') })] });
    expect((input as { frames: unknown[] }).frames).toHaveLength(64);
  });

  it('takes all parts of a concatenation in order', () => {
    const part = (number: number) =>
      level(`1.${number}`, 3, 10, {
        '00209161': element('UI', '1.77'),
        '00209162': element('US', number),
        '00209163': element('US', 2),
      });
    expect(selectInput(manifest, [part(2), part(1)])).toMatchObject({
      frames: expect.arrayContaining([{ sopInstanceUid: '1.2', frameNumber: 10 }]),
    });
    expect(
      (selectInput(manifest, [part(2), part(1)]) as { frames: { sopInstanceUid: string }[] }).frames[0]!.sopInstanceUid,
    ).toBe('1.1');
    expect(reason([part(2)])).toMatch(/1 of 2 parts of a concatenation/);
  });

  it.each<[string, DicomJson, RegExp]>([
    ['only full resolution', level('1.2', 0.25, 10), /no pyramid level has a pixel spacing of 1\.5 to 6 micrometres/],
    ['too many tiles', level('1.2', 3, 6001), /6001 tiles, at most 6000/],
    ['a grey image', level('1.2', 3, 10, { '00280002': element('US', 1) }), /not a colour image/],
    [
      'a label',
      level('1.2', 3, 1, { '00080008': element('CS', 'ORIGINAL', 'PRIMARY', 'LABEL', 'NONE') }),
      /ImageType is .*LABEL/,
    ],
    ['several focal planes', level('1.2', 3, 10, { '00480303': element('UL', 3) }), /several focal planes/],
  ])('says why %s does not suit', (_, instance, message) => {
    expect(reason([instance])).toMatch(message);
  });
});
