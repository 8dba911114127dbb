import { type DicomJson, explicitLittleEndian, jsonItems, jsonText, writePart10 } from '#libs/dicom';
import {
  code,
  type Code,
  composite,
  container,
  dateAndTime,
  dcm,
  patientAndStudy,
  personName,
  text,
  uidref,
} from '#libs/reports';

const comprehensiveSr = '1.2.840.10008.5.1.4.1.1.88.33';

/** A reader's word, and what it is about. */
export interface Review {
  reader: string;
  verdict: 'agree' | 'disagree';
  comment: string;
  at: Date;
  /** The finding by its code; undefined: the result as a whole. */
  finding: Code | undefined;
  /** `<specialty>/<name> <version>` of whose result it is. */
  model: string;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
  instanceNumber: number;
}

// Code Value is an SH: 16 characters.
const ours = (value: string, meaning: string): Code => ({ value, scheme: '99ISOCENTER', meaning });

const verdicts: Record<Review['verdict'], Code> = {
  agree: ours('agree', 'The reader agrees'),
  disagree: ours('disagree', 'The reader disagrees'),
};

const anyProcedure: Code = { value: '363679005', scheme: 'SCT', meaning: 'Imaging' };

/**
 * What a reader says of a model's result as a Measurement Report (PS3.16 TID 1500) with the reader as its observer
 * (TID 1003), in a Comprehensive SR. It cites the model's report, whose tracking identifier its own group carries on, and
 * concludes from it (INFERRED FROM).
 * @param result DICOM JSON of the model's report
 * @returns a Part 10 file
 */
export function buildReviewReport(review: Review, result: DicomJson): Buffer {
  const { date, time } = dateAndTime(review.at);
  const dataset: DicomJson = {
    '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
    '00080012': { vr: 'DA', Value: [date] },
    '00080013': { vr: 'TM', Value: [time] },
    '00080016': { vr: 'UI', Value: [comprehensiveSr] },
    '00080018': { vr: 'UI', Value: [review.sopInstanceUid] },
    ...patientAndStudy(result),
    '00080023': { vr: 'DA', Value: [date] },
    '00080033': { vr: 'TM', Value: [time] },
    '00080060': { vr: 'CS', Value: ['SR'] },
    '00080070': { vr: 'LO', Value: ['Isocenter'] },
    '0008103E': { vr: 'LO', Value: ['Readers on AI results'] },
    '00081111': { vr: 'SQ' },
    '0020000D': { vr: 'UI', Value: [review.studyInstanceUid] },
    '0020000E': { vr: 'UI', Value: [review.seriesInstanceUid] },
    '00200011': { vr: 'IS', Value: [9100] },
    '00200013': { vr: 'IS', Value: [review.instanceNumber] },
    '0040A372': { vr: 'SQ' },
    '0040A375': { vr: 'SQ', Value: [evidence(review, result)] },
    '0040A491': { vr: 'CS', Value: ['COMPLETE'] },
    '0040A493': { vr: 'CS', Value: ['UNVERIFIED'] },
    ...content(review, result),
  };
  return writePart10(dataset, explicitLittleEndian);
}

/** TID 1500. */
function content(review: Review, result: DicomJson): DicomJson {
  const { '0040A010': _topHasNoRelationship, ...report } = container(
    'CONTAINS',
    dcm('126000', 'Imaging Measurement Report'),
    [
      code('HAS CONCEPT MOD', dcm('121049', 'Language of Content Item and Descendants'), {
        value: 'en',
        scheme: 'RFC5646',
        meaning: 'English',
      }),
      code('HAS OBS CONTEXT', dcm('121005', 'Observer Type'), dcm('121006', 'Person')),
      personName('HAS OBS CONTEXT', dcm('121008', 'Person Observer Name'), review.reader),
      code('HAS CONCEPT MOD', dcm('121058', 'Procedure reported'), codeOf(result, '121058') ?? anyProcedure),
      container('CONTAINS', dcm('126010', 'Imaging Measurements'), [assessment(review, result)]),
    ],
    '1500',
  );
  return report;
}

/** TID 1501: of what the model tracked, what the reader makes of it. */
function assessment(review: Review, result: DicomJson): DicomJson {
  const tracking = textOf(result, '112039') ?? review.model;
  const trackingUid = jsonText(find(result, '112040') ?? {}, '0040A124') ?? review.sopInstanceUid;
  const cited = composite('INFERRED FROM', ours('ai-result', 'Assessed AI result'), {
    sopClassUid: required(result, '00080016'),
    sopInstanceUid: required(result, '00080018'),
  });
  return container(
    'CONTAINS',
    dcm('125007', 'Measurement Group'),
    [
      text('HAS OBS CONTEXT', dcm('112039', 'Tracking Identifier'), tracking),
      uidref('HAS OBS CONTEXT', dcm('112040', 'Tracking Unique Identifier'), trackingUid),
      ...(review.finding === undefined ? [] : [code('CONTAINS', dcm('121071', 'Finding'), review.finding)]),
      code('CONTAINS', ours('ai-assessment', "Reader's assessment of AI result"), verdicts[review.verdict], [cited]),
      ...(review.comment === '' ? [] : [text('CONTAINS', dcm('121106', 'Comment'), review.comment)]),
    ],
    '1501',
  );
}

/** Current Requested Procedure Evidence Sequence (PS3.3 C.17.2): what the content cites. */
function evidence(review: Review, result: DicomJson): DicomJson {
  return {
    '00081115': {
      vr: 'SQ',
      Value: [
        {
          '00081199': {
            vr: 'SQ',
            Value: [
              {
                '00081150': { vr: 'UI', Value: [required(result, '00080016')] },
                '00081155': { vr: 'UI', Value: [required(result, '00080018')] },
              },
            ],
          },
          '0020000E': { vr: 'UI', Value: [required(result, '0020000E')] },
        },
      ],
    },
    '0020000D': { vr: 'UI', Value: [review.studyInstanceUid] },
  };
}

function codeOf(result: DicomJson, concept: string): Code | undefined {
  const item = jsonItems(find(result, concept) ?? {}, '0040A168')[0];
  const value = item && jsonText(item, '00080100');
  const scheme = item && jsonText(item, '00080102');
  const meaning = item && jsonText(item, '00080104');
  return value && scheme && meaning ? { value, scheme, meaning } : undefined;
}

function textOf(result: DicomJson, concept: string): string | undefined {
  return jsonText(find(result, concept) ?? {}, '0040A160');
}

const depthMax = 8;

/** The first content item of that concept of DCM, depth first. */
function find(item: DicomJson, concept: string, depth = 0): DicomJson | undefined {
  if (depth > depthMax) return undefined;
  for (const child of jsonItems(item, '0040A730')) {
    const name = jsonItems(child, '0040A043')[0];
    if (name && jsonText(name, '00080100') === concept && jsonText(name, '00080102') === 'DCM') return child;
    const found = find(child, concept, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function required(dataset: DicomJson, tag: string): string {
  const value = jsonText(dataset, tag);
  if (value === undefined) throw new RangeError(`The result has no (${tag.slice(0, 4)},${tag.slice(4)})`);
  return value;
}
