import { type DicomJson, explicitLittleEndian, jsonText, uidFromHash, writePart10 } from '#libs/dicom';
import type { Code, Finding, Model, ModelOutput } from '../models/model.js';
import { code, container, num, reference, text, uidref } from './content-items.js';

export interface SrInput {
  /** Metadata of the instances the model read: the SR joins their study and patient. At least one. */
  sources: DicomJson[];
  model: Model;
  output: ModelOutput;
  /** SHA-256 over the input set, hex; with the model's digest it names the result. */
  inputDigest: string;
}

export interface StructuredReport {
  bytes: Buffer;
  sopClassUid: string;
  sopInstanceUid: string;
  seriesInstanceUid: string;
}

const comprehensiveSr = '1.2.840.10008.5.1.4.1.1.88.33';

const dcm = (value: string, meaning: string): Code => ({ value, scheme: 'DCM', meaning });

const outcomes: Record<ModelOutput['outcome'], Code> = {
  positive: { value: '10828004', scheme: 'SCT', meaning: 'Positive' },
  negative: { value: '260385009', scheme: 'SCT', meaning: 'Negative' },
  inconclusive: { value: '419984006', scheme: 'SCT', meaning: 'Inconclusive' },
};

const procedures: Record<string, Code> = {
  CT: { value: '77477000', scheme: 'SCT', meaning: 'Computed tomography' },
  ECG: { value: '29303009', scheme: 'SCT', meaning: 'Electrocardiographic procedure' },
  SM: { value: '104157003', scheme: 'SCT', meaning: 'Light microscopy procedure' },
};
const anyProcedure: Code = { value: '363679005', scheme: 'SCT', meaning: 'Imaging' };

/**
 * The result of one model on one study as a Measurement Report (PS3.16 TID 1500) with the algorithm's identification
 * (TID 4019), in a Comprehensive SR. The SOP Instance UID follows from study, model digest and input digest: a run that
 * is repeated after a crash makes the same report, not a second one.
 */
export function buildSr({ sources, model, output, inputDigest }: SrInput): StructuredReport {
  const [first] = sources;
  if (first === undefined) throw new RangeError('A report needs at least one source instance');
  const studyInstanceUid = required(first, '0020000D');
  const identity = `${studyInstanceUid}|${model.id}|${model.sha256}|${inputDigest}`;
  const seriesInstanceUid = uidFromHash(`sr-series|${identity}`);
  const sopInstanceUid = uidFromHash(`sr-instance|${identity}`);
  const finished = dicomDateTime(output.finishedAt);

  const dataset: DicomJson = {
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
    '00080016': { vr: 'UI', Value: [comprehensiveSr] },
    '00080018': { vr: 'UI', Value: [sopInstanceUid] },
    ...copied(first),
    '00080012': { vr: 'DA', Value: [finished.date] },
    '00080013': { vr: 'TM', Value: [finished.time] },
    '00080023': { vr: 'DA', Value: [finished.date] },
    '00080033': { vr: 'TM', Value: [finished.time] },
    '00080060': { vr: 'CS', Value: ['SR'] },
    '00080070': { vr: 'LO', Value: ['Isocenter'] },
    '0008103E': { vr: 'LO', Value: [`AI: ${model.manifest.title}`.slice(0, 64)] },
    '00081090': { vr: 'LO', Value: [model.id.slice(0, 64)] },
    '00081111': { vr: 'SQ' },
    '00181020': { vr: 'LO', Value: [model.version] },
    '0020000D': { vr: 'UI', Value: [studyInstanceUid] },
    '0020000E': { vr: 'UI', Value: [seriesInstanceUid] },
    '00200011': { vr: 'IS', Value: [9000] },
    '00200013': { vr: 'IS', Value: [1] },
    '0040A372': { vr: 'SQ' },
    '0040A375': { vr: 'SQ', Value: [evidence(studyInstanceUid, sources)] },
    '0040A491': { vr: 'CS', Value: ['COMPLETE'] },
    '0040A493': { vr: 'CS', Value: ['UNVERIFIED'] },
    ...root(first, model, output, inputDigest),
  };
  return {
    bytes: writePart10(dataset, explicitLittleEndian),
    sopClassUid: comprehensiveSr,
    sopInstanceUid,
    seriesInstanceUid,
  };
}

/** TID 1500. */
function root(first: DicomJson, model: Model, output: ModelOutput, inputDigest: string): DicomJson {
  const procedure = procedures[jsonText(first, '00080060') ?? ''] ?? anyProcedure;
  const children = [
    code('HAS CONCEPT MOD', dcm('121049', 'Language of Content Item and Descendants'), {
      value: 'en',
      scheme: 'RFC5646',
      meaning: 'English',
    }),
    ...observer(model),
    code('HAS CONCEPT MOD', dcm('121058', 'Procedure reported'), procedure),
    container('CONTAINS', dcm('126010', 'Imaging Measurements'), measurements(model, output, inputDigest)),
  ];
  const { '0040A010': _topHasNoRelationship, ...report } = container(
    'CONTAINS',
    dcm('126000', 'Imaging Measurement Report'),
    children,
    '1500',
  );
  return report;
}

/** TID 1001, the device as observer (TID 1004). */
function observer(model: Model): DicomJson[] {
  return [
    code('HAS OBS CONTEXT', dcm('121005', 'Observer Type'), dcm('121007', 'Device')),
    uidref('HAS OBS CONTEXT', dcm('121012', 'Device Observer UID'), uidFromHash(`device|${model.id}|${model.sha256}`)),
    text('HAS OBS CONTEXT', dcm('121013', 'Device Observer Name'), model.manifest.title),
    text('HAS OBS CONTEXT', dcm('121014', 'Device Observer Manufacturer'), 'Isocenter'),
    text('HAS OBS CONTEXT', dcm('121015', 'Device Observer Model Name'), `${model.id} ${model.version}`),
  ];
}

/**
 * One TID 1501 group: the algorithm, everything it measured, and its verdict. When it was not conclusive there are no
 * numbers, and the verdict and its reason still say which algorithm gave up.
 */
function measurements(model: Model, output: ModelOutput, inputDigest: string): DicomJson[] {
  const name = `${model.id} ${model.version}`;
  const tracking = uidFromHash(`tracking|${model.sha256}|${inputDigest}`);
  const triageOutcome: Code = { value: 'triage-outcome', scheme: '99ISOCENTER', meaning: 'Triage outcome' };
  return [
    container(
      'CONTAINS',
      dcm('125007', 'Measurement Group'),
      [
        text('HAS OBS CONTEXT', dcm('112039', 'Tracking Identifier'), name),
        uidref('HAS OBS CONTEXT', dcm('112040', 'Tracking Unique Identifier'), tracking),
        ...algorithm(model, output, inputDigest),
        ...output.findings.map((finding) => measurement(finding)),
        code('CONTAINS', triageOutcome, outcomes[output.outcome]),
        text('CONTAINS', dcm('121106', 'Comment'), output.summary),
      ],
      '1501',
    ),
  ];
}

/** TID 4019: which algorithm, which version, and everything needed to run it again. */
function algorithm(model: Model, output: ModelOutput, inputDigest: string): DicomJson[] {
  const { name, version, executionProvider } = output.runtime;
  const parameters = [
    `Model SHA-256: ${model.sha256}`,
    `Input SHA-256: ${inputDigest}`,
    `Runtime: ${name} ${version}, ${executionProvider}`,
    `Started ${output.startedAt}, finished ${output.finishedAt}`,
  ];
  return [
    text('HAS CONCEPT MOD', dcm('111001', 'Algorithm Name'), model.id),
    text('HAS CONCEPT MOD', dcm('111003', 'Algorithm Version'), model.version),
    ...parameters.map((parameter) => text('HAS CONCEPT MOD', dcm('111002', 'Algorithm Parameters'), parameter)),
  ];
}

// A report on 500 slices need not name each of them with each number: the evidence sequence does.
const sourcesPerMeasurementMax = 16;

/** TID 300 with its sources (TID 320). */
function measurement(finding: Finding): DicomJson {
  const sources =
    finding.sourceInstances.length > sourcesPerMeasurementMax ? [finding.sourceInstances[0]!] : finding.sourceInstances;
  const references = sources.map((source) =>
    reference('INFERRED FROM', dcm('121112', 'Source of Measurement'), source),
  );
  return num('CONTAINS', finding.code, finding.value, finding.unit, references);
}

/** Current Requested Procedure Evidence Sequence: every instance the model read, by series (PS3.3 C.17.2). */
function evidence(studyInstanceUid: string, sources: DicomJson[]): DicomJson {
  const bySeries = new Map<string, DicomJson[]>();
  for (const source of sources) {
    const series = required(source, '0020000E');
    const references = bySeries.get(series) ?? [];
    references.push({
      '00081150': { vr: 'UI', Value: [required(source, '00080016')] },
      '00081155': { vr: 'UI', Value: [required(source, '00080018')] },
    });
    bySeries.set(series, references);
  }
  return {
    '00081115': {
      vr: 'SQ',
      Value: [...bySeries].map(([series, references]) => ({
        '00081199': { vr: 'SQ', Value: references },
        '0020000E': { vr: 'UI', Value: [series] },
      })),
    },
    '0020000D': { vr: 'UI', Value: [studyInstanceUid] },
  };
}

// Patient and General Study modules: type 2 attributes are there even when the source has none.
const carriedOver: [tag: string, vr: string][] = [
  ['00080020', 'DA'],
  ['00080030', 'TM'],
  ['00080050', 'SH'],
  ['00080090', 'PN'],
  ['00100010', 'PN'],
  ['00100020', 'LO'],
  ['00100030', 'DA'],
  ['00100040', 'CS'],
  ['00200010', 'SH'],
];
const carriedOverIfPresent = ['00081030', '00100021', '00101010'];

function copied(first: DicomJson): DicomJson {
  const dataset: DicomJson = {};
  for (const [tag, vr] of carriedOver) dataset[tag] = first[tag] ?? { vr };
  for (const tag of carriedOverIfPresent) if (first[tag] !== undefined) dataset[tag] = first[tag];
  return dataset;
}

function required(dataset: DicomJson, tag: string): string {
  const value = jsonText(dataset, tag);
  if (value === undefined) throw new RangeError(`A source instance has no (${tag.slice(0, 4)},${tag.slice(4)})`);
  return value;
}

/** ISO 8601 to DA and TM in this machine's zone, as the clocks of the site's modalities show it. */
function dicomDateTime(iso: string): { date: string; time: string } {
  const when = new Date(iso);
  const two = (value: number) => String(value).padStart(2, '0');
  return {
    date: `${when.getFullYear()}${two(when.getMonth() + 1)}${two(when.getDate())}`,
    time: `${two(when.getHours())}${two(when.getMinutes())}${two(when.getSeconds())}`,
  };
}
