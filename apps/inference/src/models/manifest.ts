import { z } from 'zod';

/** `<word>` or `<word>.<word>`: names of tensors, values and measurements inside one manifest. */
const name = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?$/, 'a name is letters, digits and _, optionally one dot');
const positive = z.number().positive();
const sentence = z.string().min(10, 'write a sentence');

const code = z.strictObject({
  value: z.string().min(1).max(16, 'a code value has at most 16 characters (VR SH)'),
  scheme: z.string().min(1).max(16),
  meaning: z.string().min(1).max(64),
});

/**
 * One condition on one attribute of an instance, in DICOM keywords. A multi-valued attribute passes `oneOf` when any of its
 * values is listed and fails `noneOf` when any is; texts compare without regard to case; `atLeast` and `atMost` read numbers.
 * An attribute that is absent or empty is rejected unless `whenAbsent` says 'accept'.
 */
const matcher = z.strictObject({
  keyword: z.string().regex(/^[A-Z][A-Za-z0-9]+$/, 'a DICOM keyword, e.g. BodyPartExamined'),
  oneOf: z.array(z.string()).min(1).optional(),
  noneOf: z.array(z.string()).min(1).optional(),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
  whenAbsent: z.enum(['accept', 'reject']).default('reject'),
});

const accepts = z.strictObject({
  /** Every instance used fulfils all of these. */
  instances: z.array(matcher).min(1),
  /** Among several suitable series the one that fulfils the first of these wins, then the second, and so on. */
  prefer: z.array(matcher).default([]),
});

const volumeInput = z.strictObject({
  kind: z.literal('volume'),
  orientation: z.enum(['axial', 'coronal', 'sagittal']),
  slices: z.strictObject({ atLeast: z.int().min(2), atMost: z.int().max(5000) }),
  /** Distance between slice centres along the normal, mm. */
  sliceSpacing: z.strictObject({ atLeast: positive, atMost: positive }),
  /** Distance between the first and the last slice, mm. */
  extent: z.strictObject({ atLeast: positive }),
  /** Slices given to the network at once. */
  batch: z.int().min(1).max(64),
  preprocessing: z.tuple([
    /** Stored values to modality values (HU) by rescale slope and intercept or the modality LUT. */
    z.strictObject({ step: z.literal('modality-values') }),
  ]),
});

const waveformInput = z.strictObject({
  kind: z.literal('waveform'),
  /** Channel order given to the network: leads by their usual names; III, aVR, aVL and aVF are derived from I and II if absent. */
  leads: z.array(z.enum(['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'])).min(1),
  seconds: z.strictObject({ atLeast: positive, atMost: positive.max(600) }),
  preprocessing: z.tuple([
    /** Samples to microvolts by channel sensitivity, correction factor and baseline. */
    z.strictObject({ step: z.literal('microvolts') }),
    /** To this many samples a second, band-limited. */
    z.strictObject({ step: z.literal('resample'), hertz: positive.max(4000) }),
  ]),
});

const tilesInput = z.strictObject({
  kind: z.literal('tiles'),
  /** The pyramid level whose pixel spacing (geometric mean of rows and columns) is nearest `nearest`, within the limits. */
  pixelSpacingMicrometres: z.strictObject({ nearest: positive, atLeast: positive, atMost: positive }),
  tiles: z.strictObject({ atMost: z.int().min(1).max(20000) }),
  batch: z.int().min(1).max(64),
  preprocessing: z.tuple([
    /** Colour of clear glass: per channel this percentile over up to `tiles` tiles; all pixels are scaled so that it becomes 255. */
    z.strictObject({
      step: z.literal('divide-by-background'),
      percentile: z.number().min(50).max(100),
      tiles: z.int().min(1).max(256),
    }),
    /** What lies beyond the total pixel matrix (padding of edge tiles) becomes this value. */
    z.strictObject({ step: z.literal('blank-outside-matrix'), value: z.number().min(0).max(255) }),
  ]),
});

const tensor = z.strictObject({
  name,
  dtype: z.enum(['float32', 'uint8']),
  /** A number is fixed; a word is free, and the same word means the same size. */
  shape: z.array(z.union([z.int().min(1), z.string().regex(/^[a-z]+$/)])).min(1),
});

const operand = z.union([z.number(), name]);
const step = z.discriminatedUnion('step', [
  /**
   * 3-D connected components of a mask, slice by slice in one pass; the largest that qualify are kept.
   * Gives `<gives>.volume` (mL), `.histogram` (of `values`, one bin a unit), `.count`, `.endArea` (cm2, larger of first and last slice)
   * and `.dropped` (histogram of the regions dropped).
   */
  z.strictObject({
    step: z.literal('components'),
    mask: name,
    values: name,
    bins: z.strictObject({ from: z.int(), to: z.int() }),
    /** In each slice, a region smaller than this whose median is below this does not count (e.g. airways). */
    dropRegions: z.strictObject({ areaBelowCm2: positive, medianBelow: z.number() }),
    keep: z.strictObject({
      atMost: z.int().min(1).max(16),
      volumeAtLeastMl: positive,
      shareOfLargestAtLeast: z.number().min(0).max(1),
      meanAtLeast: z.number(),
    }),
    gives: name,
  }),
  /**
   * Places (ms) where an output is above zero; the network has already thinned them to one a peak. Gives a list,
   * `<gives>.height` (the median there) and `<gives>.contrast` (that over the 20th percentile of `over`).
   */
  z.strictObject({ step: z.literal('list-peaks'), of: name, over: name, gives: name }),
  /** Distances between neighbours of a list. Gives a list. */
  z.strictObject({ step: z.literal('intervals'), of: name, gives: name }),
  /**
   * How long (ms) an output stays above `level` (share of the way from its floor to its top) around the places of a list, on the
   * median of all these stretches; dips shorter than the bridge do not count. Gives a number.
   */
  z.strictObject({
    step: z.literal('width'),
    of: name,
    at: name,
    withinMilliseconds: positive,
    level: z.number().gt(0).lt(1),
    bridgeMilliseconds: z.number().min(0),
    gives: name,
  }),
  /** One number of a list; `variation` is standard deviation over mean, `rmssd` of successive differences. */
  z.strictObject({ step: z.literal('statistic'), of: name, is: z.enum(['mean', 'variation', 'rmssd']), gives: name }),
  /** One number of a histogram; `mode` is the mean of what lies in its fullest stretch of 21 bins. */
  z.strictObject({ step: z.literal('histogram-statistic'), of: name, is: z.enum(['mean', 'mode']), gives: name }),
  /** The value with `percent` of a list or histogram at or below it. */
  z.strictObject({ step: z.literal('percentile'), of: name, percent: z.number().min(0).max(100), gives: name }),
  /** How much of a list or histogram is below a value, 0 to 1. */
  z.strictObject({ step: z.literal('share-below'), of: name, value: operand, gives: name }),
  /** How many there are in a list or histogram. */
  z.strictObject({ step: z.literal('count'), of: name, gives: name }),
  /** An output added up over all batches. */
  z.strictObject({ step: z.literal('sum'), of: name, gives: name }),
  /** `times` x `of` / `to`. */
  z.strictObject({ step: z.literal('ratio'), of: operand, to: operand, times: z.number().default(1), gives: name }),
]);

const measurement = z.strictObject({
  id: name,
  /** The value of the postprocessing shown. */
  value: name,
  label: z.string().min(1).max(64),
  code,
  unit: code.extend({ scheme: z.literal('UCUM') }),
  decimals: z.int().min(0).max(6),
});

const check = z
  .strictObject({ value: name, atLeast: z.number().optional(), atMost: z.number().optional(), otherwise: sentence })
  .refine(
    (check) => check.atLeast !== undefined || check.atMost !== undefined,
    'a check needs atLeast, atMost or both',
  );

const triageRule = z.strictObject({
  measurement: name,
  is: z.enum(['above', 'below']),
  threshold: z.number(),
  priority: z.enum(['HIGH', 'MEDIUM', 'LOW']),
});

/** What `model.json` says; see models/README.md for a tour by example. */
export const modelManifestSchema = z.strictObject({
  manifestVersion: z.literal(1),
  title: z.string().min(1).max(64),
  /** Who answers for the algorithm (TID 4019 names it). */
  manufacturer: z.string().min(1).max(64),
  intendedUse: sentence,
  limits: z.array(sentence).min(1),
  licence: z.string().min(1),
  references: z.array(sentence).min(1),
  accepts,
  input: z.discriminatedUnion('kind', [volumeInput, waveformInput, tilesInput]),
  /** The network's one input and its outputs, checked against model.onnx when it is loaded. */
  inputs: z.tuple([tensor.extend({ dtype: z.literal('float32') })]),
  outputs: z.array(tensor).min(1),
  postprocessing: z.array(step).min(1),
  /** Where one fails the study is inconclusive and says why; no number is given. */
  checks: z.array(check).default([]),
  measurements: z.array(measurement).min(1),
  /** `{id}` stands for that measurement with its decimals. */
  summary: z.string().min(1).max(200),
  /** Any rule that holds makes the study positive; the most urgent gives the priority. */
  triage: z.array(triageRule).default([]),
});

export type ModelManifest = z.infer<typeof modelManifestSchema>;
export type Matcher = z.infer<typeof matcher>;
export type VolumeInput = z.infer<typeof volumeInput>;
export type WaveformInput = z.infer<typeof waveformInput>;
export type TilesInput = z.infer<typeof tilesInput>;
export type TensorDescription = z.infer<typeof tensor>;
export type PostprocessingStep = z.infer<typeof step>;
