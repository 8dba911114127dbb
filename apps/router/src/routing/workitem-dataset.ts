import type { DicomJson } from '#libs/dicom';
import { dicomDateTime } from '#libs/workitems';
import type { RegisteredModel } from './resolve-models.js';
import type { Specialty } from './specialty.js';
import type { StudyFacts } from './study-facts.js';

/** An instance the task is about. */
export interface InputInstance {
  seriesInstanceUid: string;
  sopClassUid: string;
  sopInstanceUid: string;
}

interface Code {
  value: string;
  scheme: string;
  meaning: string;
}

/** CID 9231 "General Purpose Workitem Definition". */
const computerAidedDetection: Code = { value: '110004', scheme: 'DCM', meaning: 'Computer Aided Detection' };
const interpretation: Code = { value: '110005', scheme: 'DCM', meaning: 'Interpretation' };

/**
 * An AI task as DICOM JSON: N-CREATE's attributes (PS3.4 CC.2.5.1.3) without those that are columns of the row.
 * @param input.instances undefined: all of the series
 */
export function aiTaskDataset(
  study: StudyFacts,
  model: RegisteredModel,
  input: {
    seriesInstanceUids: readonly string[];
    instances: readonly InputInstance[] | undefined;
    /** null: at once. */
    scheduledStart: Date | null;
  },
): DicomJson {
  const start = input.scheduledStart ?? study.arrivedAt;
  return {
    ...patientAndRequest(study),
    ...schedule(start, `AI: ${model.modelId}`, model.specialty, computerAidedDetection),
    '00741210': sequence(
      // Algorithm name and version by their codes of DICOM; the digest, which pins the very bytes, by one of ours.
      textItem({ value: '111001', scheme: 'DCM', meaning: 'Algorithm Name' }, model.modelId),
      textItem({ value: '111003', scheme: 'DCM', meaning: 'Algorithm Version' }, model.version),
      textItem({ value: 'MODELSHA256', scheme: '99ISOCENTER', meaning: 'SHA-256 of the model' }, model.sha256),
    ),
    '00404026': sequence(codeItem({ value: 'INFERENCE', scheme: '99ISOCENTER', meaning: 'Inference worker' })),
    '00404021': inputInformation(study, input.seriesInstanceUids, input.instances),
  };
}

/** The reading task of a study: one for all of its life, from the first instance on. */
export function readingTaskDataset(study: StudyFacts, specialty: Specialty): DicomJson {
  return {
    ...patientAndRequest(study),
    ...schedule(study.arrivedAt, 'Reading', specialty, interpretation),
    '00741210': sequence(),
    '00404026': sequence(),
    // The whole study, however it grows: series by series, without a list of instances that is old a second later.
    '00404021': inputInformation(
      study,
      study.series.filter(({ isSource }) => isSource).map(({ seriesInstanceUid }) => seriesInstanceUid),
      undefined,
    ),
  };
}

function schedule(start: Date, label: string, worklist: string, code: Code): DicomJson {
  return {
    '00741204': { vr: 'LO', Value: [label.slice(0, 64)] },
    '00741202': { vr: 'LO', Value: [worklist.slice(0, 64)] },
    '00404005': { vr: 'DT', Value: [dicomDateTime(start)] },
    '00404018': sequence(codeItem(code)),
    // Any station of the class, any person: empty is allowed (type 2).
    '00404025': sequence(),
    '00404027': sequence(),
    '00404041': { vr: 'CS', Value: ['READY'] },
    '00741002': sequence(),
    '00741216': sequence(),
  };
}

function patientAndRequest(study: StudyFacts): DicomJson {
  const dataset: DicomJson = {};
  for (const [tag, vr] of [
    ['00100010', 'PN'],
    ['00100020', 'LO'],
    ['00100021', 'LO'],
    ['00100030', 'DA'],
    ['00100040', 'CS'],
  ] as const) {
    dataset[tag] = study.attributes[tag] ?? { vr };
  }
  dataset['0020000D'] = { vr: 'UI', Value: [study.studyInstanceUid] };
  dataset['0040A370'] = sequence({
    '0020000D': { vr: 'UI', Value: [study.studyInstanceUid] },
    '00080050': study.attributes['00080050'] ?? { vr: 'SH' },
    '00321060': study.attributes['00321060'] ?? { vr: 'LO' },
    '00401001': study.attributes['00401001'] ?? { vr: 'SH' },
  });
  return dataset;
}

/** One item a series (PS3.3 10.27 "Referenced Instances and Access"). @param instances undefined: all of each series */
function inputInformation(
  study: StudyFacts,
  seriesInstanceUids: readonly string[],
  instances: readonly InputInstance[] | undefined,
): DicomJson[string] {
  const bySeries = Map.groupBy(instances ?? [], ({ seriesInstanceUid }) => seriesInstanceUid);
  const items = study.series
    .filter(({ seriesInstanceUid }) => seriesInstanceUids.includes(seriesInstanceUid))
    .map(({ seriesInstanceUid }): DicomJson => {
      const ofSeries = bySeries.get(seriesInstanceUid) ?? [];
      return {
        '0040E020': { vr: 'CS', Value: ['DICOM'] },
        '0020000D': { vr: 'UI', Value: [study.studyInstanceUid] },
        '0020000E': { vr: 'UI', Value: [seriesInstanceUid] },
        ...(instances !== undefined && {
          '00081199': sequence(
            ...ofSeries.map(({ sopClassUid, sopInstanceUid }) => ({
              '00081150': { vr: 'UI', Value: [sopClassUid] },
              '00081155': { vr: 'UI', Value: [sopInstanceUid] },
            })),
          ),
        }),
        '0040E025': sequence({
          '0040E010': {
            vr: 'UR',
            Value: [`/dicom-web/studies/${study.studyInstanceUid}/series/${seriesInstanceUid}`],
          },
        }),
      };
    });
  return sequence(...items);
}

function textItem(concept: Code, text: string): DicomJson {
  return {
    '0040A040': { vr: 'CS', Value: ['TEXT'] },
    '0040A043': sequence(codeItem(concept)),
    '0040A160': { vr: 'UT', Value: [text] },
  };
}

function codeItem({ value, scheme, meaning }: Code): DicomJson {
  return {
    '00080100': { vr: 'SH', Value: [value] },
    '00080102': { vr: 'SH', Value: [scheme] },
    '00080104': { vr: 'LO', Value: [meaning] },
  };
}

function sequence(...items: DicomJson[]): DicomJson[string] {
  return { vr: 'SQ', Value: items };
}
