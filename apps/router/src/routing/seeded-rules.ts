import type { RuleDefinition } from './rule.js';

export interface SeededRule {
  /** Fixed, so that two processes that seed at once make one rule. */
  ruleId: string;
  name: string;
  definition: RuleDefinition;
}

const words = (...parts: string[]) => parts.map((part) => `*${part}*`);
const chest = words('CHEST', 'THORAX', 'THORACIC', 'LUNG');

/** Codes of the steps a specimen was prepared by (PS3.3 C.7.6.22.1.2); hematoxylin and eosin are SNOMED CT's (CID 8112). */
const stain =
  'SpecimenDescriptionSequence.SpecimenPreparationSequence.SpecimenPreparationStepContentItemSequence.ConceptCodeSequence.CodeValue';

/** What a new installation starts with: the models that come with the suite and the studies they are for. */
export const seededRules: readonly SeededRule[] = [
  {
    ruleId: '0197a000-0000-7000-8000-000000000001',
    name: 'Chest CT: lung density',
    definition: {
      description: 'CT series of the chest, by body part or by what the protocol or description says. No localizers.',
      level: 'series',
      when: {
        all: [
          { keyword: 'Modality', is: 'CT' },
          {
            keyword: 'SOPClassUID',
            // CT, Enhanced CT and Legacy Converted Enhanced CT Image Storage: no screen saves, no dose sheets.
            is: ['1.2.840.10008.5.1.4.1.1.2', '1.2.840.10008.5.1.4.1.1.2.1', '1.2.840.10008.5.1.4.1.1.2.2'],
          },
          {
            any: [
              { keyword: 'BodyPartExamined', is: ['CHEST', 'THORAX', 'LUNG', 'LUNGS', 'CHEST*', 'THORAX*', 'LUNG*'] },
              { keyword: 'StudyDescription', is: chest },
              { keyword: 'SeriesDescription', is: chest },
              { keyword: 'ProtocolName', is: chest },
            ],
          },
          { not: { keyword: 'ImageType', is: 'LOCALIZER' } },
        ],
      },
      gives: {
        models: [{ model: 'radiology/lung-density', version: 'current' }],
        forward: [],
        schedule: 'now',
        isLast: false,
      },
    },
  },
  {
    ruleId: '0197a000-0000-7000-8000-000000000002',
    name: '12-lead ECG: rhythm',
    definition: {
      description: '12-lead and general ECG waveforms.',
      level: 'series',
      when: {
        keyword: 'SOPClassUID',
        is: ['1.2.840.10008.5.1.4.1.1.9.1.1', '1.2.840.10008.5.1.4.1.1.9.1.2', '1.2.840.10008.5.1.4.1.1.9.1.4'],
      },
      gives: {
        models: [{ model: 'cardiology/ecg-rhythm', version: 'current' }],
        forward: [],
        schedule: 'now',
        isLast: false,
      },
    },
  },
  {
    ruleId: '0197a000-0000-7000-8000-000000000003',
    name: 'Slide microscopy: cellularity',
    definition: {
      description: 'Whole slide images.',
      level: 'series',
      when: { keyword: 'SOPClassUID', is: '1.2.840.10008.5.1.4.1.1.77.1.6' },
      gives: {
        models: [{ model: 'pathology/he-cellularity', version: 'current' }],
        forward: [],
        schedule: 'now',
        isLast: false,
      },
    },
  },
  {
    ruleId: '0197a000-0000-7000-8000-000000000004',
    name: 'Slide microscopy, H&E: nuclei',
    definition: {
      description:
        'Whole slide images that say they are stained with haematoxylin and eosin: other stains were not tried. Not the sample slide, which would keep a new installation busy for a minute.',
      level: 'series',
      when: {
        all: [
          { keyword: 'SOPClassUID', is: '1.2.840.10008.5.1.4.1.1.77.1.6' },
          { keyword: stain, is: '12710003' },
          { keyword: stain, is: '36879007' },
          { not: { keyword: 'ImageComments', is: '*synthetic*' } },
        ],
      },
      gives: {
        models: [{ model: 'pathology/he-nuclei-unet-cc0', version: 'current' }],
        forward: [],
        schedule: 'now',
        isLast: false,
      },
    },
  },
];
