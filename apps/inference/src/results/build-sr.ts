import { type DicomJson, encodePart10, explicitLittleEndian, jsonText, uidFromHash } from '#libs/dicom';
import {
  code,
  type Code,
  container,
  dataset,
  dateAndTime,
  dcm,
  patientAndStudy,
  reference,
  text,
  uidref,
} from '#libs/reports';
import type { Model, ModelOutput, ResultObject } from '../models/model.js';
import { measurementGroups, type SrInput } from './measurement-groups.js';
import { required, resultIdentity } from './study-attributes.js';

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
const triageOutcome: Code = { value: 'triage-outcome', scheme: '99ISOCENTER', meaning: 'Triage outcome' };
const qualitativeEvaluations: Code = { value: 'C0034375', scheme: 'UMLS', meaning: 'Qualitative Evaluations' };

/**
 * CID 7021 has titles of imaging measurements only, and can be extended. OHIF (3.13) draws the groups of a report with the first title
 * on the images, and shows nothing at all of it as soon as one group has no place there; under any other title it shows the report as
 * text, with every number. What has no place on an image is no imaging measurement, and is said so.
 */
const titles = {
  onImages: dcm('126000', 'Imaging Measurement Report'),
  inWords: { value: '371524004', scheme: 'SCT', meaning: 'Clinical report' },
} satisfies Record<string, Code>;

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
    bytes: Buffer.concat([...encodePart10<never>(dataset, { transferSyntaxUid: explicitLittleEndian, bulkData })]),
    sopClassUid: comprehensiveSr,
    sopInstanceUid,
    seriesInstanceUid,
  };
}

/** A report has none. */
const bulkData = () => undefined;

/** TID 1500. */
function root(sources: DicomJson[], model: Model, output: ModelOutput, inputDigest: string): DicomJson {
  const procedure = procedures[jsonText(sources[0]!, '00080060') ?? ''] ?? anyProcedure;
  const { groups, areOnImages } = measurementGroups({ sources, model, output, inputDigest });
  const children = [
    code('HAS CONCEPT MOD', dcm('121049', 'Language of Content Item and Descendants'), {
      value: 'en',
      scheme: 'RFC5646',
      meaning: 'English',
    }),
    ...observer(model),
    code('HAS CONCEPT MOD', dcm('121058', 'Procedure reported'), procedure),
    // A library of images is no text, and OHIF stumbles over one.
    ...(areOnImages ? imageLibrary(sources, output) : []),
    container('CONTAINS', dcm('126010', 'Imaging Measurements'), groups),
    container('CONTAINS', qualitativeEvaluations, [
      code('CONTAINS', triageOutcome, outcomes[output.outcome]),
      text('CONTAINS', dcm('121106', 'Comment'), output.summary),
    ]),
  ];
  const title = areOnImages ? titles.onImages : titles.inWords;
  const { '0040A010': _topHasNoRelationship, ...report } = container('CONTAINS', title, children, '1500');
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

/** TID 1600: the images read, with their frames where not all were. None for a waveform, which is no image. */
function imageLibrary(sources: DicomJson[], output: ModelOutput): DicomJson[] {
  const frames = new Map(output.findings[0]?.sourceInstances.map((one) => [one.sopInstanceUid, one.frames]));
  const images = sources
    .filter((source) => source['00280010'] !== undefined)
    .map((source) => {
      const own = { sopClassUid: required(source, '00080016'), sopInstanceUid: required(source, '00080018') };
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
