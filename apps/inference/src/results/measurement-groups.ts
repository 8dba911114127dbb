import { type DicomJson, jsonText, uidFromHash } from '#libs/dicom';
import {
  code,
  type Code,
  container,
  dcm,
  num,
  outline,
  reference,
  type Relationship,
  text,
  times,
  uidref,
} from '#libs/reports';
import type { Finding, Model, ModelOutput, Region } from '../models/model.js';
import { corners } from './drawing.js';
import { trackingUid } from './tracking-uid.js';
import { algorithmParameters, required } from './study-attributes.js';

export interface SrInput {
  /** Metadata of the instances the model read: the SR joins their study and patient. At least one. */
  sources: DicomJson[];
  model: Model;
  output: ModelOutput;
  /** SHA-256 over the input set, hex; with the model's digest it names the result. */
  inputDigest: string;
}

/** TID 1501, 1410 and 1411 groups. */
export interface MeasurementGroups {
  groups: DicomJson[];
  /** Something was outlined, and what was not stands for a whole picture: each group has a place on an image. */
  areOnImages: boolean;
}

const findingSite: Code = { value: '363698007', scheme: 'SCT', meaning: 'Finding Site' };
const sourceOfMeasurement = dcm('121112', 'Source of Measurement');
const embeddingConcept: Code = { value: 'EMBEDDING', scheme: '99ISOCENTER', meaning: 'Embedding' };
const scoreConcept: Code = { value: 'SCORE', scheme: '99ISOCENTER', meaning: 'Score given by the model' };
const noUnits: Code = { value: '1', scheme: 'UCUM', meaning: 'no units' };

/**
 * What was measured of the whole; then a group for each finding or site that numbers are about, with its segment where there is one
 * (TID 1411), and one for each box (TID 1410). Each says which algorithm it comes from (TID 4019). Of an inconclusive run there are no
 * numbers, and one group still says which algorithm gave up.
 */
export function measurementGroups({ sources, model, output, inputDigest }: SrInput): MeasurementGroups {
  const name = `${model.id} ${model.version}`;
  const { details, findings } = output;
  const uidOf = (what: string) => uidFromHash(`tracking|${model.sha256}|${inputDigest}${what}`);
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
  const algorithm = algorithmIdentification(model, output, inputDigest);

  const ofWhole = findings.filter(({ site, finding }) => site === undefined && finding === undefined);
  const about = [
    ...Map.groupBy(
      findings.filter((finding) => !ofWhole.includes(finding)),
      ({ site, finding }) => JSON.stringify([finding, site]),
    ).values(),
  ].map((members) => {
    const [{ site, finding }] = members as [Finding];
    const label = model.manifest.labels?.find(({ code: own }) => sameCode(own, site ?? finding!));
    return { members, site, finding, label, region: label && details.outlines[label.id] };
  });

  const others = [...annotations(sources, output), ...embeddings(output)];
  const hasWhole = ofWhole.length > 0 || others.length > 0 || (about.length === 0 && details.boxes.length === 0);
  const isOutlined = details.boxes.length > 0 || about.some(({ region }) => region !== undefined);
  // Beside outlines a frame round the whole picture can be read; several one over the other cannot.
  const placeless = about.filter(({ region }) => region === undefined).length + Number(hasWhole);
  const whole = isOutlined && placeless === 1 ? details.whole : undefined;
  const isWholePlaced = !hasWhole || (ofWhole.length > 0 && whole !== undefined);

  const groups = [
    ...(hasWhole
      ? [
          group('1501', name, uidOf(''), [
            ...algorithm,
            ...ofWhole.flatMap((finding) => measurement(finding, whole, sources)),
            ...others,
          ]),
        ]
      : []),
    ...about.map(({ members, site, finding, label, region }) => {
      const concept = finding ?? site!;
      const segment = label && segmentOf(label.value, model, output);
      return group(
        segment ? '1411' : '1501',
        `${name}: ${concept.meaning}`,
        label ? trackingUid(model, inputDigest, label.id) : uidOf(`|${concept.value}`),
        [
          ...(finding ? [code('CONTAINS', dcm('121071', 'Finding'), finding)] : []),
          ...(segment
            ? [
                reference('CONTAINS', dcm('121191', 'Referenced Segment'), segment),
                uidref('CONTAINS', dcm('121232', 'Source series for segmentation'), required(sources[0]!, '0020000E')),
              ]
            : []),
          ...(site ? [code('HAS CONCEPT MOD', findingSite, site)] : []),
          ...algorithm,
          ...members.flatMap((one) => measurement(one, region ?? whole, sources)),
        ],
      );
    }),
    ...details.boxes.map(({ label, code: concept, score, corners: [left, top, right, bottom], source }, index) => {
      const region = { source, points: corners({ left, top, right, bottom }) };
      return group('1410', `${name}: ${label} ${index + 1}`, uidOf(`|box-${index}`), [
        code('CONTAINS', dcm('121071', 'Finding'), concept),
        drawn('CONTAINS', dcm('111030', 'Image Region'), region, sources),
        ...algorithm,
        num('CONTAINS', scoreConcept, score, noUnits, [drawn('INFERRED FROM', sourceOfMeasurement, region, sources)]),
      ]);
    }),
  ];
  return {
    groups,
    areOnImages: isOutlined && isWholePlaced && about.every(({ region }) => (region ?? whole) !== undefined),
  };
}

function annotations(sources: DicomJson[], { details }: ModelOutput): DicomJson[] {
  return details.annotations
    .filter(({ milliseconds }) => milliseconds.length > 0)
    .map(({ code: concept, milliseconds }) =>
      times(
        concept,
        milliseconds.map((one) => one / 1000),
        reference('SELECTED FROM', undefined, {
          sopClassUid: required(sources[0]!, '00080016'),
          sopInstanceUid: required(sources[0]!, '00080018'),
        }),
      ),
    );
}

function embeddings({ details }: ModelOutput): DicomJson[] {
  return details.embeddings.map(({ label, length, base64 }) =>
    text('CONTAINS', embeddingConcept, `${label}: ${length} x float32, little endian, base64: ${base64}`),
  );
}

function sameCode(a: Code, b: Code): boolean {
  return a.value === b.value && a.scheme === b.scheme;
}

function drawn(relationship: Relationship, name: Code, { source, points }: Region, sources: DicomJson[]): DicomJson {
  const instance = sources.find((one) => jsonText(one, '00080018') === source.sopInstanceUid);
  const isMultiFrame = Number((instance && jsonText(instance, '00280008')) ?? 1) > 1;
  return outline(
    relationship,
    name,
    points,
    reference('SELECTED FROM', undefined, {
      sopClassUid: source.sopClassUid,
      sopInstanceUid: source.sopInstanceUid,
      ...(isMultiFrame && { frames: [source.frame] }),
    }),
  );
}

/**
 * The segment of a label, in the first segmentation of bits; they count the labels. What is written as a label map alone is not referred
 * to: DCMTK up to 3.6.8 knows no label maps and refuses a report that names one; its segments bear the same tracking UIDs.
 */
function segmentOf(value: number, { manifest }: Model, { objects }: ModelOutput) {
  const segmentations = objects.filter(({ kind }) => kind === 'segmentation');
  const object = segmentations.find((_, position) => manifest.segmentations?.[position]?.form === 'binary');
  if (!object) return undefined;
  const values = manifest.labels
    .map((label) => label.value)
    .filter((one) => one > 0)
    .sort((a, b) => a - b);
  if (!values.includes(value)) return undefined;
  return {
    sopClassUid: object.sopClassUid,
    sopInstanceUid: object.sopInstanceUid,
    segment: values.indexOf(value) + 1,
  };
}

/** TID 4019: which algorithm, which version, and everything needed to run it again. */
function algorithmIdentification(model: Model, output: ModelOutput, inputDigest: string): DicomJson[] {
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

// A report on 500 slices need not name each of them with each number: the image library and the evidence do.
const sourcesPerMeasurementMax = 16;

/** TID 300, of a class its code before, with its sources (TID 320): where it can be seen, and what else was read where that is no long list. */
function measurement(finding: Finding, region: Region | undefined, sources: DicomJson[]): DicomJson[] {
  const { sourceInstances: read } = finding;
  const others = read.filter(({ sopInstanceUid }) => sopInstanceUid !== region?.source.sopInstanceUid);
  const concept = finding.category ? scoreConcept : finding.code;
  const number = num('CONTAINS', concept, finding.value, finding.unit, [
    ...(region ? [drawn('INFERRED FROM', sourceOfMeasurement, region, sources)] : []),
    ...(read.length <= sourcesPerMeasurementMax
      ? others.map((source) => reference('INFERRED FROM', sourceOfMeasurement, source))
      : []),
  ]);
  return finding.category ? [code('CONTAINS', finding.code, finding.category), number] : [number];
}
