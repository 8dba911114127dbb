import { type DicomJson, explicitLittleEndian, jsonText, uidFromHash, writePart10 } from '#libs/dicom';
import type { Finding, Model, ModelOutput, ResultObject } from '../models/model.js';
import {
  code,
  type Code,
  container,
  dataset,
  dateAndTime,
  dcm,
  num,
  outline,
  patientAndStudy,
  reference,
  text,
  times,
  uidref,
} from '#libs/reports';
import { corners } from './drawing.js';
import { trackingUid } from './segmentation.js';
import { algorithmParameters, required, resultIdentity } from './study-attributes.js';

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
  const identity = resultIdentity(studyInstanceUid, model, inputDigest);
  const seriesInstanceUid = uidFromHash(`sr-series|${identity}`);
  const sopInstanceUid = uidFromHash(`sr-instance|${identity}`);
  const finished = dateAndTime(new Date(output.finishedAt));

  const dataset: DicomJson = {
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
    '00080016': { vr: 'UI', Value: [comprehensiveSr] },
    '00080018': { vr: 'UI', Value: [sopInstanceUid] },
    ...patientAndStudy(first),
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
    '0040A375': { vr: 'SQ', Value: [evidence(studyInstanceUid, sources, output.objects)] },
    '0040A491': { vr: 'CS', Value: ['COMPLETE'] },
    '0040A493': { vr: 'CS', Value: ['UNVERIFIED'] },
    ...root(sources, model, output, inputDigest),
  };
  return {
    bytes: writePart10(dataset, explicitLittleEndian),
    sopClassUid: comprehensiveSr,
    sopInstanceUid,
    seriesInstanceUid,
  };
}

/** TID 1500. */
function root(sources: DicomJson[], model: Model, output: ModelOutput, inputDigest: string): DicomJson {
  const procedure = procedures[jsonText(sources[0]!, '00080060') ?? ''] ?? anyProcedure;
  const children = [
    code('HAS CONCEPT MOD', dcm('121049', 'Language of Content Item and Descendants'), {
      value: 'en',
      scheme: 'RFC5646',
      meaning: 'English',
    }),
    ...observer(model),
    code('HAS CONCEPT MOD', dcm('121058', 'Procedure reported'), procedure),
    ...imageLibrary(sources, output),
    container('CONTAINS', dcm('126010', 'Imaging Measurements'), measurements(sources, model, output, inputDigest)),
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
    text('HAS OBS CONTEXT', dcm('121014', 'Device Observer Manufacturer'), model.manifest.manufacturer ?? 'Isocenter'),
    text('HAS OBS CONTEXT', dcm('121015', 'Device Observer Model Name'), `${model.id} ${model.version}`),
  ];
}

/**
 * TID 1501 groups: first the algorithm, its verdict and what it measured of the whole; then one for each finding or site that numbers
 * are about, with its segment where there is one (TID 1411), and one for each place drawn. When it was not conclusive there are no
 * numbers, and the verdict and its reason still say which algorithm gave up.
 */
function measurements(sources: DicomJson[], model: Model, output: ModelOutput, inputDigest: string): DicomJson[] {
  const name = `${model.id} ${model.version}`;
  const triageOutcome: Code = { value: 'triage-outcome', scheme: '99ISOCENTER', meaning: 'Triage outcome' };
  const group = (template: string, identifier: string, uid: string, items: DicomJson[]) =>
    container(
      'CONTAINS',
      dcm('125007', 'Measurement Group'),
      [
        text('HAS OBS CONTEXT', dcm('112039', 'Tracking Identifier'), identifier),
        uidref('HAS OBS CONTEXT', dcm('112040', 'Tracking Unique Identifier'), uid),
        ...items,
      ],
      template,
    );
  const isOfWhole = ({ site, finding }: Finding) => site === undefined && finding === undefined;
  const about = Map.groupBy(
    output.findings.filter((finding) => !isOfWhole(finding)),
    ({ site, finding }) => JSON.stringify([finding, site]),
  );
  return [
    group('1501', name, uidFromHash(`tracking|${model.sha256}|${inputDigest}`), [
      ...algorithm(model, output, inputDigest),
      ...output.findings.filter(isOfWhole).map((finding) => measurement(finding)),
      code('CONTAINS', triageOutcome, outcomes[output.outcome]),
      text('CONTAINS', dcm('121106', 'Comment'), output.summary),
      ...output.details.annotations
        .filter(({ milliseconds }) => milliseconds.length > 0)
        .map(({ code: concept, milliseconds }) =>
          times(
            concept,
            milliseconds.map((one) => one / 1000),
            reference('SELECTED FROM', undefined, sourceOf(sources[0]!)),
          ),
        ),
      ...output.details.embeddings.map(({ label, length, base64 }) =>
        text('CONTAINS', embeddingConcept, `${label}: ${length} x float32, little endian, base64: ${base64}`),
      ),
    ]),
    ...[...about.values()].map((members) => {
      const [{ site, finding }] = members as [Finding];
      const concept = finding ?? site!;
      const label = model.manifest.labels?.find(({ code: own }) => sameCode(own, site ?? finding!));
      const segment = label && segmentOf(label.value, model, output);
      return group(
        segment ? '1411' : '1501',
        `${name}: ${concept.meaning}`,
        label
          ? trackingUid(model, inputDigest, label.id)
          : uidFromHash(`tracking|${model.sha256}|${inputDigest}|${concept.value}`),
        [
          ...(finding ? [code('CONTAINS', dcm('121071', 'Finding'), finding)] : []),
          ...(segment
            ? [
                reference('CONTAINS', dcm('121191', 'Referenced Segment'), segment),
                uidref('CONTAINS', dcm('121232', 'Source series for segmentation'), required(sources[0]!, '0020000E')),
              ]
            : []),
          ...(site ? [code('HAS CONCEPT MOD', findingSite, site)] : []),
          ...algorithm(model, output, inputDigest),
          ...members.map((one) => measurement(one)),
        ],
      );
    }),
    ...output.details.boxes.map(({ label, code: concept, score, corners: [left, top, right, bottom], source }, index) =>
      group(
        '1410',
        `${name}: ${label} ${index + 1}`,
        uidFromHash(`tracking|${model.sha256}|${inputDigest}|box-${index}`),
        [
          code('CONTAINS', dcm('121071', 'Finding'), concept),
          outline(
            dcm('111030', 'Image Region'),
            corners({ left, top, right, bottom }),
            reference('SELECTED FROM', undefined, {
              sopClassUid: source.sopClassUid,
              sopInstanceUid: source.sopInstanceUid,
              ...(isMultiFrame(sources, source.sopInstanceUid) && { frames: [source.frame] }),
            }),
          ),
          ...algorithm(model, output, inputDigest),
          num('CONTAINS', scoreConcept, score, noUnits, []),
        ],
      ),
    ),
  ];
}

const findingSite: Code = { value: '363698007', scheme: 'SCT', meaning: 'Finding Site' };
const embeddingConcept: Code = { value: 'EMBEDDING', scheme: '99ISOCENTER', meaning: 'Embedding' };
const scoreConcept: Code = { value: 'SCORE', scheme: '99ISOCENTER', meaning: 'Score given by the model' };
const noUnits: Code = { value: '1', scheme: 'UCUM', meaning: 'no units' };

function sameCode(a: Code, b: Code): boolean {
  return a.value === b.value && a.scheme === b.scheme;
}

function sourceOf(instance: DicomJson): { sopClassUid: string; sopInstanceUid: string } {
  return { sopClassUid: required(instance, '00080016'), sopInstanceUid: required(instance, '00080018') };
}

function isMultiFrame(sources: DicomJson[], sopInstanceUid: string): boolean {
  const source = sources.find((one) => jsonText(one, '00080018') === sopInstanceUid);
  return Number(source === undefined ? 1 : (jsonText(source, '00280008') ?? 1)) > 1;
}

/** The segment of a label, in the first segmentation there is: of a label map its value, else its place among the labels. */
function segmentOf(value: number, { manifest }: Model, { objects }: ModelOutput) {
  const position = objects.findIndex(({ kind }) => kind === 'segmentation');
  const object = objects[position];
  const form = manifest.segmentations?.[position]?.form;
  if (!object || !form) return undefined;
  const values = manifest.labels
    .map((label) => label.value)
    .filter((one) => one > 0)
    .sort((a, b) => a - b);
  if (!values.includes(value)) return undefined;
  const segment = form === 'labelmap' ? value : values.indexOf(value) + 1;
  return { sopClassUid: object.sopClassUid, sopInstanceUid: object.sopInstanceUid, segment };
}

/** TID 4019: which algorithm, which version, and everything needed to run it again. */
function algorithm(model: Model, output: ModelOutput, inputDigest: string): DicomJson[] {
  const parameters = [
    ...algorithmParameters(model, inputDigest, output.runtime),
    `Started ${output.startedAt}, finished ${output.finishedAt}`,
  ];
  return [
    text('HAS CONCEPT MOD', dcm('111001', 'Algorithm Name'), model.id),
    text('HAS CONCEPT MOD', dcm('111003', 'Algorithm Version'), model.version),
    ...parameters.map((parameter) => text('HAS CONCEPT MOD', dcm('111002', 'Algorithm Parameters'), parameter)),
  ];
}

// A report on 500 slices need not name each of them with each number, nor the only image there is: the image library does.
const sourcesPerMeasurementMax = 16;

/** TID 300 with its sources (TID 320) where they are some of the images; all images are in the library. */
function measurement(finding: Finding): DicomJson {
  const { sourceInstances: sources } = finding;
  const isWaveform = sources.some(({ sopClassUid }) => sopClassUid.startsWith('1.2.840.10008.5.1.4.1.1.9.'));
  const named = isWaveform || (sources.length > 1 && sources.length <= sourcesPerMeasurementMax) ? sources : [];
  const references = named.map((source) => reference('INFERRED FROM', dcm('121112', 'Source of Measurement'), source));
  return num('CONTAINS', finding.code, finding.value, finding.unit, references);
}

/** TID 1600: the images read, with their frames where not all were. None for a waveform, which is no image. */
function imageLibrary(sources: DicomJson[], output: ModelOutput): DicomJson[] {
  const frames = new Map(output.findings[0]?.sourceInstances.map((one) => [one.sopInstanceUid, one.frames]));
  const images = sources
    .filter((source) => source['00280010'] !== undefined)
    .map((source) => {
      const own = sourceOf(source);
      const read = frames.get(own.sopInstanceUid);
      return reference('CONTAINS', undefined, { ...own, ...(read && { frames: read }) });
    });
  if (images.length === 0) return [];
  return [
    container('CONTAINS', dcm('111028', 'Image Library'), [
      container('CONTAINS', dcm('126200', 'Image Library Group'), images),
    ]),
  ];
}

/** Current Requested Procedure Evidence Sequence: every instance the model read and every object beside the report, by series (PS3.3 C.17.2). */
function evidence(studyInstanceUid: string, sources: DicomJson[], objects: readonly ResultObject[]): DicomJson {
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
  for (const { seriesInstanceUid, sopClassUid, sopInstanceUid } of objects) {
    const references = bySeries.get(seriesInstanceUid) ?? [];
    references.push(dataset({ ReferencedSOPClassUID: sopClassUid, ReferencedSOPInstanceUID: sopInstanceUid }));
    bySeries.set(seriesInstanceUid, references);
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
