import { describe, expect, it } from '@jest/globals';
import { dataset, makeFacts, type SeriesDescription, sopClass } from '../../../../test/support/router/make-facts.js';
import { evaluateRules } from './evaluate-rules.js';
import type { RoutingRule } from './rule.js';
import { seededRules } from './seeded-rules.js';

let position = 0;
function rule(
  name: string,
  when: unknown,
  gives: Record<string, unknown> = {},
  changes: Partial<RoutingRule> = {},
): RoutingRule {
  position += 1;
  return {
    ruleId: `rule-${name}`,
    version: 1,
    position,
    name,
    isEnabled: true,
    definition: {
      when,
      gives: { models: [{ model: `radiology/${name}` }], ...gives },
      ...(changes.definition as object),
    },
    ...('definition' in changes ? {} : changes),
  };
}

const isCt = { keyword: 'Modality', is: 'CT' };
const models = (evaluation: ReturnType<typeof evaluateRules>) => evaluation.orders.map(({ model }) => model);

/** One condition asked of one study. */
function ask(when: unknown, series: SeriesDescription[] = [{}], study: Record<string, unknown> = {}, level = 'series') {
  const [verdict] = evaluateRules(
    [rule('asked', when, {}, { definition: { level } })],
    makeFacts(series, { attributes: study }),
  ).verdicts;
  return verdict!;
}

describe('evaluateRules: conditions', () => {
  it.each<[string, unknown, SeriesDescription[], Record<string, unknown>, boolean]>([
    ['a value', isCt, [{}], {}, true],
    ['another value', { keyword: 'Modality', is: 'MR' }, [{}], {}, false],
    ['one of a list', { keyword: 'Modality', is: ['MR', 'CT'] }, [{}], {}, true],
    [
      'a wildcard',
      { keyword: 'SeriesDescription', is: '*lung*' },
      [{ attributes: { SeriesDescription: 'Thin LUNG 1.0' } }],
      {},
      true,
    ],
    ["the study's attribute", { keyword: 'StudyDescription', is: 'CT*' }, [{}], { StudyDescription: 'CT Chest' }, true],
    [
      "the first instance's attribute",
      { keyword: 'SliceThickness', atMost: 2 },
      [{ sample: { SliceThickness: '1.5' } }],
      {},
      true,
    ],
    [
      'the series before its instance',
      { keyword: 'BodyPartExamined', is: 'CHEST' },
      [{ attributes: { BodyPartExamined: 'HEAD' }, sample: { BodyPartExamined: 'CHEST' } }],
      {},
      false,
    ],
    [
      'one value of several',
      { keyword: 'ImageType', is: 'LOCALIZER' },
      [{ sample: { ImageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] } }],
      {},
      true,
    ],
    [
      'an item of a sequence',
      { keyword: 'RequestAttributesSequence.RequestedProcedureID', is: 'P1' },
      [{ attributes: { RequestAttributesSequence: { '00401001': { vr: 'SH', Value: ['P1'] } } } }],
      {},
      true,
    ],
    [
      "a person's name",
      { keyword: 'ReferringPhysicianName', is: 'welby*' },
      [{}],
      { ReferringPhysicianName: { Alphabetic: 'Welby^Marcus' } },
      true,
    ],
    ['an absent attribute', { keyword: 'BodyPartExamined', is: '*' }, [{}], {}, false],
    ['absence', { keyword: 'BodyPartExamined', exists: false }, [{}], {}, true],
    ['presence', { keyword: 'BodyPartExamined', exists: true }, [{}], {}, false],
    ['a count of instances', { keyword: 'NumberOfSeriesRelatedInstances', atLeast: 20 }, [{ instances: 20 }], {}, true],
    ['too few instances', { keyword: 'NumberOfSeriesRelatedInstances', atLeast: 20 }, [{ instances: 19 }], {}, false],
    ['a count of series', { keyword: 'NumberOfStudyRelatedSeries', is: 2 }, [{}, {}], {}, true],
    ['frames', { keyword: 'NumberOfFrames', atLeast: 50 }, [{ instances: 1, frames: 60 }], {}, true],
    ['modalities of the study', { keyword: 'ModalitiesInStudy', is: 'PT' }, [{}, { modality: 'PT' }], {}, true],
    ['the SOP class', { keyword: 'SOPClassUID', is: sopClass.ct }, [{}], {}, true],
    [
      'all',
      { all: [isCt, { keyword: 'BodyPartExamined', is: 'CHEST' }] },
      [{ attributes: { BodyPartExamined: 'CHEST' } }],
      {},
      true,
    ],
    ['all, one failing', { all: [isCt, { keyword: 'BodyPartExamined', is: 'CHEST' }] }, [{}], {}, false],
    ['any', { any: [{ keyword: 'Modality', is: 'MR' }, isCt] }, [{}], {}, true],
    [
      'any, none fitting',
      {
        any: [
          { keyword: 'Modality', is: 'MR' },
          { keyword: 'Modality', is: 'PT' },
        ],
      },
      [{}],
      {},
      false,
    ],
    ['not', { not: { keyword: 'Modality', is: 'MR' } }, [{}], {}, true],
    ['not, of what fits', { not: isCt }, [{}], {}, false],
  ])('%s', (_, when, series, study, expected) => {
    expect(ask(when, series, study).matched).toBe(expected);
  });

  it('asks one series to fulfil it all, and the study as a whole only when told to', () => {
    const when = { all: [isCt, { keyword: 'BodyPartExamined', is: 'CHEST' }] };
    const series: SeriesDescription[] = [
      { modality: 'CT', attributes: { BodyPartExamined: 'HEAD' } },
      { modality: 'PT', attributes: { BodyPartExamined: 'CHEST' } },
    ];
    expect(ask(when, series).matched).toBe(false);
    expect(ask(when, series, {}, 'study').matched).toBe(true);
  });

  it('asks no series of reports, segmentations or presentation states', () => {
    const derived: SeriesDescription[] = [
      { modality: 'SR', sopClasses: [sopClass.comprehensive3dSr] },
      { modality: 'SEG', sopClasses: [sopClass.segmentation] },
      { modality: 'PR', sopClasses: [sopClass.presentationState] },
      { modality: 'KO', sopClasses: [sopClass.keyObjects] },
      { modality: 'DOC', sopClasses: [sopClass.pdf] },
    ];
    const always = {
      any: [
        { keyword: 'Modality', exists: true },
        { keyword: 'Modality', exists: false },
      ],
    };
    expect(ask(always, derived)).toMatchObject({ matched: false, reason: expect.stringContaining('not routed') });
    expect(ask(always, derived, {}, 'study').matched).toBe(false);
    expect(ask(always, [...derived, {}]).matched).toBe(true);
  });
});

describe('evaluateRules: reasons', () => {
  it('names the attributes that decided', () => {
    expect(
      ask({ all: [isCt, { keyword: 'BodyPartExamined', is: 'CHEST' }] }, [
        { attributes: { BodyPartExamined: 'Chest' } },
      ]).reason,
    ).toBe('1 of 1 series: Modality is "CT", BodyPartExamined is "Chest".');
    expect(ask({ keyword: 'Modality', is: ['MR', 'PT'] }).reason).toBe(
      'None of 1 series: Modality is "CT", not MR or PT.',
    );
    expect(ask({ keyword: 'SliceThickness', atLeast: 1, atMost: 2 }).reason).toBe(
      'None of 1 series: SliceThickness is absent.',
    );
  });

  it('gives no more than three of many reasons', () => {
    const series = Array.from({ length: 9 }, (_, index) => ({ modality: `M${index}` }));
    const { reason } = ask(isCt, series);
    expect(reason.match(/; or: /g)).toHaveLength(2);
    expect(reason).toContain('and so on');
  });

  it('cuts long values short', () => {
    expect(
      ask({ keyword: 'SeriesDescription', is: 'x' }, [{ attributes: { SeriesDescription: 'y'.repeat(500) } }]).reason
        .length,
    ).toBeLessThan(150);
  });
});

describe('evaluateRules: lists of rules', () => {
  const ct = makeFacts();

  it('lets every matching rule count', () => {
    const evaluation = evaluateRules([rule('a', isCt), rule('b', { not: isCt }), rule('c', isCt)], ct);
    expect(models(evaluation)).toEqual(['radiology/a', 'radiology/c']);
    expect(evaluation.verdicts.map(({ matched }) => matched)).toEqual([true, false, true]);
  });

  it('stops after the first that matches when told so, and still accounts for the rest', () => {
    const evaluation = evaluateRules([rule('a', { not: isCt }), rule('b', isCt), rule('c', isCt)], ct, 'first');
    expect(models(evaluation)).toEqual(['radiology/b']);
    expect(evaluation.verdicts).toHaveLength(3);
    expect(evaluation.verdicts[2]).toMatchObject({ matched: false, reason: 'Not asked: "b" matched and is the last.' });
  });

  it('stops after a rule that says it is the last, only if it matches', () => {
    expect(models(evaluateRules([rule('a', isCt, { isLast: true }), rule('b', isCt)], ct))).toEqual(['radiology/a']);
    expect(models(evaluateRules([rule('a', { not: isCt }, { isLast: true }), rule('b', isCt)], ct))).toEqual([
      'radiology/b',
    ]);
  });

  it('asks by position, whatever the order given', () => {
    const rules = [rule('late', isCt, {}, { position: 20 }), rule('early', isCt, {}, { position: 10 })];
    expect(evaluateRules(rules, ct).verdicts.map(({ name }) => name)).toEqual(['early', 'late']);
  });

  it('does not ask a rule that is switched off', () => {
    const evaluation = evaluateRules([rule('off', isCt, {}, { isEnabled: false })], ct);
    expect(evaluation.verdicts[0]).toMatchObject({ matched: false, reason: 'It is switched off.' });
    expect(evaluation.orders).toEqual([]);
  });

  it('goes on after a rule that cannot be read, and says so', () => {
    const broken: RoutingRule = { ...rule('broken', isCt), definition: { when: { keyword: 'Nonsense', is: 'x' } } };
    const evaluation = evaluateRules([broken, rule('b', isCt)], ct);
    expect(evaluation.verdicts[0]?.matched).toBe(false);
    expect(evaluation.verdicts[0]?.reason).toContain('cannot be used');
    expect(evaluation.verdicts[0]?.reason).toContain('Nonsense');
    expect(models(evaluation)).toEqual(['radiology/b']);
  });

  it('orders a model once, as urgently as the most urgent rule, naming both', () => {
    const gives = { models: [{ model: 'radiology/x' }] };
    const { orders, priority, deadlineMinutes } = evaluateRules(
      [
        rule('a', isCt, { ...gives, priority: 'LOW', deadlineMinutes: 90 }),
        rule('b', isCt, { ...gives, priority: 'HIGH', deadlineMinutes: 120 }),
        rule('c', isCt, gives),
      ],
      ct,
    );
    expect(orders).toEqual([
      {
        model: 'radiology/x',
        version: 'current',
        priority: 'HIGH',
        rules: ['a', 'b', 'c'],
        seriesInstanceUids: ['1.2.3.1'],
        schedule: 'now',
      },
    ]);
    expect(priority).toEqual({ priority: 'HIGH', rule: 'b' });
    expect(deadlineMinutes).toBe(90);
  });

  it('orders two versions of a model as two', () => {
    const { orders } = evaluateRules(
      [rule('a', isCt, { models: [{ model: 'radiology/x' }, { model: 'radiology/x', version: '2.0.0' }] })],
      ct,
    );
    expect(orders.map(({ version }) => version)).toEqual(['current', '2.0.0']);
  });

  it('says nothing of a study no rule knows', () => {
    expect(evaluateRules([], ct)).toEqual({
      verdicts: [],
      orders: [],
      forwards: [],
      quietPeriod: undefined,
      priority: undefined,
      deadlineMinutes: undefined,
    });
  });
});

describe('the rules a new installation starts with', () => {
  const rules: RoutingRule[] = seededRules.map((seed, index) => ({
    ...seed,
    version: 1,
    position: index,
    isEnabled: true,
  }));
  const items = (value: Record<string, unknown>) => dataset(value);
  const stainedWith = (...stains: string[]) => ({
    SpecimenDescriptionSequence: items({
      SpecimenPreparationSequence: items({
        SpecimenPreparationStepContentItemSequence: stains.map((value) =>
          items({ ConceptCodeSequence: items({ CodeValue: value }) }),
        ),
      }),
    }),
  });
  const goesTo = (series: SeriesDescription[], study: Record<string, unknown> = {}) =>
    models(evaluateRules(rules, makeFacts(series, { attributes: study })));

  it.each<[string, SeriesDescription[], Record<string, unknown>, string[]]>([
    // As in the header of a screening CT of the National Lung Screening Trial.
    [
      'a screening chest CT',
      [
        {
          attributes: { BodyPartExamined: 'CHEST', SeriesDescription: '0,OPA,TO,AQUL4,FC51,276.6,2,120,40,na,na' },
          sample: { ImageType: ['ORIGINAL', 'PRIMARY', 'AXIAL'] },
        },
      ],
      { StudyDescription: 'NLST-LSS' },
      ['radiology/lung-density'],
    ],
    ['a chest CT by its study description', [{}], { StudyDescription: 'CT THORAX' }, ['radiology/lung-density']],
    [
      'a chest CT by its series description',
      [{ attributes: { SeriesDescription: 'Thorax Poumons 5.0' } }],
      {},
      ['radiology/lung-density'],
    ],
    ['a chest CT by its protocol', [{ sample: { ProtocolName: 'Lung Low Dose' } }], {}, ['radiology/lung-density']],
    [
      'an enhanced chest CT',
      [{ sopClasses: ['1.2.840.10008.5.1.4.1.1.2.1'], attributes: { BodyPartExamined: 'CHEST' } }],
      {},
      ['radiology/lung-density'],
    ],
    ['a chest and abdomen CT', [{ attributes: { BodyPartExamined: 'CHESTABDOMEN' } }], {}, ['radiology/lung-density']],
    ['a head CT', [{ attributes: { BodyPartExamined: 'HEAD' } }], { StudyDescription: 'CT HEAD WO CONTRAST' }, []],
    [
      'a chest radiograph',
      [{ modality: 'DX', sopClasses: ['1.2.840.10008.5.1.4.1.1.1.1'], attributes: { BodyPartExamined: 'CHEST' } }],
      {},
      [],
    ],
    [
      'the localizer of a chest CT',
      [{ attributes: { BodyPartExamined: 'CHEST' }, sample: { ImageType: ['ORIGINAL', 'PRIMARY', 'LOCALIZER'] } }],
      {},
      [],
    ],
    [
      'a screen save of a chest CT',
      [{ sopClasses: [sopClass.secondaryCapture], attributes: { BodyPartExamined: 'CHEST' } }],
      {},
      [],
    ],
    [
      'a report on a chest CT',
      [{ modality: 'SR', sopClasses: [sopClass.comprehensive3dSr], attributes: { BodyPartExamined: 'CHEST' } }],
      {},
      [],
    ],
    [
      'a segmentation of a chest CT',
      [{ modality: 'SEG', sopClasses: [sopClass.segmentation], attributes: { BodyPartExamined: 'CHEST' } }],
      {},
      [],
    ],
    ['a 12-lead ECG', [{ modality: 'ECG', sopClasses: [sopClass.ecg12] }], {}, ['cardiology/ecg-rhythm']],
    ['a general ECG', [{ modality: 'ECG', sopClasses: [sopClass.ecgGeneral] }], {}, ['cardiology/ecg-rhythm']],
    ['haemodynamics', [{ modality: 'HD', sopClasses: [sopClass.hemodynamic] }], {}, []],
    ['a slide', [{ modality: 'SM', sopClasses: [sopClass.wholeSlide] }], {}, ['pathology/he-cellularity']],
    [
      'a slide that says it is stained with haematoxylin and eosin',
      [{ modality: 'SM', sopClasses: [sopClass.wholeSlide], sample: stainedWith('12710003', '36879007') }],
      {},
      ['pathology/he-cellularity', 'pathology/he-nuclei-unet-cc0'],
    ],
    [
      'a slide of another stain',
      [{ modality: 'SM', sopClasses: [sopClass.wholeSlide], sample: stainedWith('12710003', '406858009') }],
      {},
      ['pathology/he-cellularity'],
    ],
    [
      'a chest CT with an ECG',
      [{ attributes: { BodyPartExamined: 'CHEST' } }, { modality: 'ECG', sopClasses: [sopClass.ecg12] }],
      {},
      ['radiology/lung-density', 'cardiology/ecg-rhythm'],
    ],
  ])('%s', (_, series, study, expected) => {
    expect(goesTo(series, study)).toEqual(expected);
  });
});
