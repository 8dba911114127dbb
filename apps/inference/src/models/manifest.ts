import { z } from 'zod';
import { postprocessingStep } from './manifest-postprocessing.js';
import { imageInput, stackInput, tilesInput, volumeInput, waveformInput } from './manifest-inputs.js';
import { code, name, names, sentence } from './manifest-words.js';

/**
 * One condition on one attribute of an instance, in DICOM keywords. A multi-valued attribute passes `oneOf` when any of its
 * values is listed and fails `noneOf` when any is; texts compare without regard to case; `atLeast` and `atMost` read numbers.
 * An attribute that is absent or empty is rejected unless `whenAbsent` says 'accept'.
 */
const matcher = z
  .strictObject({
    keyword: z.string().regex(/^[A-Z][A-Za-z0-9]+$/, 'a DICOM keyword, e.g. BodyPartExamined'),
    oneOf: z.array(z.string()).min(1).optional(),
    noneOf: z.array(z.string()).min(1).optional(),
    atLeast: z.number().optional(),
    atMost: z.number().optional(),
    whenAbsent: z.enum(['accept', 'reject']).default('reject'),
  })
  .meta({ examples: [{ keyword: 'Modality', oneOf: ['CT'] }] });

const accepts = z.strictObject({
  /** Every instance used fulfils all of these. */
  instances: z.array(matcher).min(1),
  /** Among several suitable series the one that fulfils the first of these wins, then the second, and so on. */
  prefer: z.array(matcher).default([]),
});

const tensor = z
  .strictObject({
    name,
    dtype: z.enum(['float32', 'uint8', 'int64', 'int32', 'bool']),
    /** A number is fixed; a word is free, and the same word means the same size. */
    shape: z.array(z.union([z.int().min(1), z.string().regex(/^[a-z]+$/)])).min(1),
    /**
     * One letter an axis: N items of a batch, C channels (colours, leads, classes), D H W slices, rows, columns, T samples.
     * Without it NC, NCT, NCHW or NCDHW by the number of axes (NHW and NDHW where a label map leaves C out are said here).
     */
    layout: z
      .string()
      .regex(/^(?!.*(.).*\1)[NCDHWT]+$/, 'a layout is letters of N C D H W T, each once, e.g. NCHW')
      .optional(),
  })
  .meta({ examples: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 512, 512] }] });

/** One thing the network tells apart: a class of its scores (by index) or of its masks (by value). */
const label = z
  .strictObject({
    /** Steps give numbers by it: `<gives>.<id>`. */
    id: z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/, 'letters, digits and _'),
    /** Index in the scores, or value in the mask; of a mask 0 is the ground that nothing is on. */
    value: z.int().min(0).max(65535),
    label: z.string().min(1).max(64),
    /** What it is, e.g. SNOMED CT 4421005 (cell structure), a finding, an anatomical structure. */
    code,
    /** For segmentations (CID 7150), e.g. SCT 91723000 Anatomical Structure. */
    category: code.default({ value: '91723000', scheme: 'SCT', meaning: 'Anatomical Structure' }),
    /** Red, green, blue; chosen by value where it is left out. */
    colour: z.tuple([z.int().min(0).max(255), z.int().min(0).max(255), z.int().min(0).max(255)]).optional(),
  })
  .meta({
    examples: [
      {
        id: 'hippocampus',
        value: 13,
        label: 'Hippocampus',
        code: { value: '5366008', scheme: 'SCT', meaning: 'Hippocampus' },
      },
    ],
  });

const measurementFields = {
  label: z.string().min(1).max(64),
  code,
  unit: code.extend({ scheme: z.literal('UCUM') }),
  decimals: z.int().min(0).max(6),
  /** Where the number was taken: Finding Site. */
  site: code.optional(),
  /** What the number is about: Finding. */
  finding: code.optional(),
};
const measurement = z
  .strictObject({
    id: name,
    /** The value of the postprocessing shown. */
    value: name,
    ...measurementFields,
  })
  .meta({
    examples: [
      {
        id: 'lungVolume',
        value: 'lung.volume',
        label: 'Lung volume',
        code: { value: '118565006', scheme: 'SCT', meaning: 'Volume' },
        unit: { value: 'mL', scheme: 'UCUM', meaning: 'milliliter' },
        decimals: 0,
      },
    ],
  });
/** The same measurement of every label: value `<of>.<id of the label>`, id the same, `{label}` in the text its name. */
const measurementOfLabels = z.strictObject({
  eachLabelOf: z.string().regex(/^[A-Za-z][A-Za-z0-9_]*$/),
  /** Ids of labels; all of them where it is left out. */
  only: z.array(z.string()).min(1).optional(),
  /** Whether the label's code is where the number was taken, or what it is about. */
  labelIs: z.enum(['site', 'finding']),
  label: z.string().includes('{label}', { message: 'write {label} where its name belongs' }).max(64),
  code,
  unit: measurementFields.unit,
  decimals: measurementFields.decimals,
});

/** Which of its labels a top-label step chose: in the report by the label's code, elsewhere by its name, with its score. */
const classification = z.strictObject({ id: names, of: names, label: z.string().min(1).max(64), code }).meta({
  examples: [
    {
      id: 'kind',
      of: 'top',
      label: 'Kind of rhythm',
      code: { value: 'KINDOFRHYTHM', scheme: '99OURS', meaning: 'Kind of rhythm' },
    },
  ],
});

const check = z
  .strictObject({ value: name, atLeast: z.number().optional(), atMost: z.number().optional(), otherwise: sentence })
  .refine(
    (check) => check.atLeast !== undefined || check.atMost !== undefined,
    'a check needs atLeast, atMost or both',
  );

const priority = z.enum(['HIGH', 'MEDIUM', 'LOW']);
const numberRule = z
  .strictObject({
    measurement: name,
    is: z.enum(['above', 'below']),
    threshold: z.number(),
    priority,
  })
  .meta({ examples: [{ measurement: 'lungVolume', is: 'below', threshold: 2000, priority: 'MEDIUM' }] });

/** Holds where the class chosen is one of these labels, by id. */
const classRule = z
  .strictObject({ class: names, oneOf: z.array(z.string()).min(1), priority })
  .meta({ examples: [{ class: 'kind', oneOf: ['fibrillation', 'flutter'], priority: 'HIGH' }] });

/** What becomes DICOM beside the report. */
const segmentation = z.strictObject({
  /** A mask that a step gave. */
  of: names,
  /** Label Map Segmentation Storage (one value a pixel), or Segmentation Storage (one bit a pixel and segment). */
  form: z.enum(['labelmap', 'binary']),
  description: z.string().min(1).max(64),
});
/** A Secondary Capture: the picture with the heat map over it. */
const heatMap = z.strictObject({
  of: names,
  /** The values that become the coldest and the hottest colour. */
  from: z.number(),
  to: z.number(),
  description: z.string().min(1).max(64),
});
/** Boxes that a step gave, as a Grayscale Softcopy Presentation State and in the report. */
const drawing = z.strictObject({ of: names, description: z.string().min(1).max(64) });
/** Places in time that a step gave (ms), as temporal coordinates on the waveform in the report. */
const annotation = z.strictObject({ of: names, label: z.string().min(1).max(64), code });
/** A vector that others compare: in the report, float32 little endian in base64. */
const embedding = z.strictObject({ of: names, label: z.string().min(1).max(64) });

const manifest = z.strictObject({
  $schema: z.string().optional(),
  manifestVersion: z.literal(2),
  title: z.string().min(1).max(64),
  /** Who answers for the algorithm (TID 4019 names it). */
  manufacturer: z.string().min(1).max(64),
  /** What kind of algorithm (TID 4019); Artificial Intelligence, unless it was not learned. */
  family: code.default({ value: '123110', scheme: 'DCM', meaning: 'Artificial Intelligence' }),
  intendedUse: sentence,
  limits: z.array(sentence).min(1),
  licence: z.string().min(1),
  references: z.array(sentence).min(1),
  accepts,
  input: z.discriminatedUnion('kind', [imageInput, stackInput, volumeInput, waveformInput, tilesInput]),
  /** The network's one input and its outputs, checked against model.onnx when it is loaded. */
  inputs: z.tuple([tensor.extend({ dtype: z.enum(['float32', 'uint8']) })]),
  outputs: z.array(tensor).min(1),
  labels: z.array(label).default([]),
  postprocessing: z.array(postprocessingStep).min(1),
  /** Where one fails the study is inconclusive and says why; no number is given. */
  checks: z.array(check).default([]),
  measurements: z.array(z.union([measurement, measurementOfLabels])).default([]),
  classes: z.array(classification).default([]),
  segmentations: z.array(segmentation).default([]),
  heatMaps: z.array(heatMap).default([]),
  drawings: z.array(drawing).default([]),
  annotations: z.array(annotation).default([]),
  embeddings: z.array(embedding).default([]),
  /** `{id}` stands for that measurement with its decimals, or for the label that a class is. */
  summary: z.string().min(1).max(200),
  /** Any rule that holds makes the study positive; the most urgent gives the priority. Without a rule nothing could be negative. */
  triage: z
    .array(z.union([numberRule, classRule]))
    .min(1, 'at least one rule says what is positive; without one no study could be negative'),
  /** What the model asks of the worker; the worker's own configuration has the last word. */
  runtime: z
    .strictObject({
      /** Tried first, where the worker is configured to try it at all. */
      executionProvider: z.enum(['tensorrt', 'cuda', 'webgpu', 'cpu']).optional(),
      /** Of one study, decoding included. */
      secondsMax: z.int().min(1).max(3600).optional(),
    })
    .default({}),
});

/** What `model.json` says, as it is written: docs/models.md is a tour by example. */
export const modelManifestDocument = manifest;

/** The same with measurements of labels written out one by one, as all code here reads it. */
export const modelManifestSchema = manifest.transform((written) => ({
  ...written,
  measurements: written.measurements.flatMap((one) => ('id' in one ? [one] : ofEachLabel(one, written.labels))),
}));

function ofEachLabel(
  { eachLabelOf, only, labelIs, label: text, ...shared }: z.infer<typeof measurementOfLabels>,
  labels: readonly z.infer<typeof label>[],
): z.infer<typeof measurement>[] {
  return labels
    .filter(({ id }) => only === undefined || only.includes(id))
    .map(({ id, label: labelText, code: labelCode }) => ({
      ...shared,
      id: `${eachLabelOf}.${id}`,
      value: `${eachLabelOf}.${id}`,
      label: text.replaceAll('{label}', labelText).slice(0, 64),
      [labelIs]: labelCode,
    }));
}

export type ModelManifest = z.output<typeof modelManifestSchema>;
export type Matcher = z.infer<typeof matcher>;
export type ModelLabel = z.infer<typeof label>;
export type TensorDescription = z.infer<typeof tensor>;
export type Measurement = ModelManifest['measurements'][number];
export type { PostprocessingStep } from './manifest-postprocessing.js';
export type {
  ImageInput,
  PictureStep,
  StackInput,
  TilesInput,
  VolumeInput,
  VolumeStep,
  WaveformInput,
} from './manifest-inputs.js';
