import { z } from 'zod';
import { name, names, positive } from './manifest-words.js';

const operand = z.union([z.number(), name]);

/**
 * The named steps from the network's outputs to numbers, masks, boxes. Each uses names that came before (tensors of the network, or
 * what a step gave) and gives one. Steps that give a tensor work on each batch as it comes; all others see every batch and give
 * their value after the last.
 */
export const postprocessingStep = z.discriminatedUnion('step', [
  // Tensor to tensor.
  /** Along C. */
  z.strictObject({ step: z.literal('softmax'), of: name, gives: name }),
  z.strictObject({ step: z.literal('sigmoid'), of: name, gives: name }),
  /** The index of the largest along C, which goes: a mask. */
  z.strictObject({ step: z.literal('argmax'), of: name, gives: name }),
  /** A mask: `value` where one channel is above the threshold, 0 elsewhere. */
  z.strictObject({
    step: z.literal('threshold'),
    of: name,
    channel: z.int().min(0).default(0),
    above: z.number(),
    value: z.int().min(1).max(255).default(1),
    gives: name,
  }),

  // Numbers of tensors.
  /** One number a label, at its value's index; over several items (views, tiles) the mean or the largest. Gives `<gives>.<label>`. */
  z.strictObject({ step: z.literal('scores'), of: name, over: z.enum(['mean', 'max']).default('mean'), gives: names }),
  /** The label with the highest of these scores: its value, and `<gives>.score`. */
  z.strictObject({ step: z.literal('top-label'), of: names, gives: names }),
  /** One element of an output (a regression), by its index in an item; over several items the mean or the largest. */
  z.strictObject({
    step: z.literal('element'),
    of: name,
    index: z.int().min(0),
    over: z.enum(['mean', 'max']).default('mean'),
    gives: name,
  }),
  /** An output added up over all batches. */
  z.strictObject({ step: z.literal('sum'), of: name, gives: name }),
  /** An output as a vector; over several items the mean. */
  z.strictObject({ step: z.literal('embedding'), of: name, gives: names }),

  // Masks.
  /** Windows of a volume put together: where they overlap the mean counts, and with `gaussian` the middle of a window counts more. */
  z.strictObject({
    step: z.literal('merge-windows'),
    of: name,
    blend: z.enum(['constant', 'gaussian']),
    /** What becomes of the merged values: the index of the largest channel, or 1 where channel 0 is above this. */
    into: z.union([z.literal('argmax'), z.strictObject({ above: z.number() })]),
    gives: names,
  }),
  /** Masks of a picture, of slices or of a whole volume, put where they were taken from. */
  z.strictObject({ step: z.literal('mask'), of: name, gives: names }),
  /** Masks of tiles as one mask of the slide, tile by tile: it goes to disk as it comes. */
  z.strictObject({ step: z.literal('stitch-tiles'), of: name, gives: names }),
  /** Of a mask only the largest connected pieces stay: of everything that is not 0 together, or of each value by itself. */
  z.strictObject({
    step: z.literal('largest-pieces'),
    of: names,
    each: z.enum(['foreground', 'label']),
    neighbours: z.union([z.literal(6), z.literal(18), z.literal(26)]).default(26),
    atMost: z.int().min(1).max(64).default(1),
    gives: names,
  }),
  /** mL of each label of a mask of a volume or stack. Gives `<gives>.<label>`. */
  z.strictObject({ step: z.literal('volumes'), of: names, gives: names }),
  /** mm2 of each label of a mask of a picture or slide. Gives `<gives>.<label>`; `<gives>.pixels` is all that was looked at. */
  z.strictObject({ step: z.literal('areas'), of: names, gives: names }),

  // Objects.
  /**
   * Objects in a tile or picture that touch each other, told apart by watershed: foreground where a channel is above a threshold, seeds
   * where it is and another is below one, opened by 3 x 3 and not smaller than `seedPixelsMin`; basins grow from the seeds in the
   * order of the foreground's value. Objects that begin in a tile's overlap belong to its neighbour. Gives a tensor of object
   * numbers, and `<gives>.count`, `<gives>.area` (um2, a list).
   */
  z.strictObject({
    step: z.literal('split-objects'),
    of: name,
    foreground: z.strictObject({ channel: z.int().min(0), above: z.number() }),
    border: z.strictObject({ channel: z.int().min(0), below: z.number() }),
    seedPixelsMin: z.int().min(1),
    objectPixelsMin: z.int().min(1),
    /** Area over that of the convex hull. */
    solidityMin: z.number().min(0).max(1).default(0),
    gives: names,
  }),
  /** Boxes and their scores, the best of those that overlap by more than `overlapAbove` (intersection over union). */
  z.strictObject({
    step: z.literal('non-maximum-suppression'),
    /** [N, boxes, 4], in pixels of the network's input. */
    boxes: name,
    /** [N, boxes] or [N, boxes, classes]. */
    scores: name,
    corners: z.enum(['xyxy', 'yxyx', 'cxcywh']),
    scoreAbove: z.number(),
    overlapAbove: z.number().min(0).max(1),
    atMost: z.int().min(1).max(1000),
    gives: names,
  }),
  /** One channel of an output as a map over the picture or slide, as fine as the network gives it. */
  z.strictObject({ step: z.literal('heat-map'), of: name, channel: z.int().min(0).default(0), gives: names }),

  // Of stacks.
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

  // Of waveforms.
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

  // Numbers of lists and numbers.
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
  /** `times` x `of` / `to`. */
  z.strictObject({ step: z.literal('ratio'), of: operand, to: operand, times: z.number().default(1), gives: name }),
]);

export type PostprocessingStep = z.infer<typeof postprocessingStep>;
