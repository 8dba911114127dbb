import { z } from 'zod';
import { positive } from './manifest-words.js';

const size = z.int().min(1).max(8192);
const channelValues = z.union([z.number(), z.array(z.number()).min(1).max(16)]);

/** (x x scale - mean) / deviation, with one number or one a channel; or by what the picture itself has. */
const normalise = z.discriminatedUnion('by', [
  z.strictObject({
    step: z.literal('normalise'),
    by: z.literal('constants'),
    scale: z.number().default(1),
    mean: channelValues.default(0),
    deviation: channelValues.default(1),
  }),
  /** (x - min) / (max - min) over the whole input: 0 to 1. */
  z.strictObject({ step: z.literal('normalise'), by: z.literal('range') }),
  /** (x - mean) / standard deviation over the whole input; of what is not zero where `nonZero` says so. */
  z.strictObject({ step: z.literal('normalise'), by: z.literal('deviation'), nonZero: z.boolean().default(false) }),
  /** From these percentiles of the whole input to 0 and 1, clipped. */
  z.strictObject({
    step: z.literal('normalise'),
    by: z.literal('percentiles'),
    low: z.number().min(0).max(100),
    high: z.number().min(0).max(100),
  }),
]);

const valueSteps = [
  /** Stored values to modality values (HU) by rescale slope and intercept or the modality LUT. Must come first. */
  z.strictObject({ step: z.literal('modality-values') }),
  /**
   * As it is looked at, 0 to 255: through this window; without one through the image's own first window or VOI LUT, and if it has
   * none over the range most of its values have. MONOCHROME1 is inverted: bone is white. Must come first.
   */
  z.strictObject({
    step: z.literal('voi-window'),
    center: z.number().optional(),
    width: positive.optional(),
  }),
  z.strictObject({ step: z.literal('clip'), from: z.number(), to: z.number() }),
  normalise,
] as const;

/** `bilinear` averages where it makes smaller, as Pillow and torchvision do; `bilinear-sharp` does not, as OpenCV and PyTorch's interpolate. */
const interpolation = z.enum(['bilinear', 'bilinear-sharp', 'nearest']).default('bilinear');

const pictureStep = z.discriminatedUnion('step', [
  ...valueSteps,
  /** Colours of a colour picture in this order, a grey one thrice; or one channel of grey (ITU-R BT.601 luma of colours). */
  z.strictObject({ step: z.literal('channels'), order: z.enum(['rgb', 'bgr', 'grey']) }),
  /** To this many rows and columns: stretched, or with the rest filled (`pad`) or cut (`crop`) in equal parts at both sides. */
  z.strictObject({
    step: z.literal('resize'),
    rows: size,
    columns: size,
    aspect: z.enum(['stretch', 'pad', 'crop']).default('stretch'),
    interpolation,
    value: z.number().default(0),
  }),
  /** To this many millimetres a pixel (rows, columns), by Pixel Spacing or Imager Pixel Spacing. */
  z.strictObject({
    step: z.literal('resample'),
    millimetres: z.tuple([positive, positive]),
    interpolation,
  }),
  /** About the middle. */
  z.strictObject({ step: z.literal('crop-or-pad'), rows: size, columns: size, value: z.number().default(0) }),
]);

const sizes = z.tuple([size, size, size]);
const volumeStep = z.discriminatedUnion('step', [
  ...valueSteps,
  /**
   * Axes by the way they run, slowest first: L left or R right, P posterior or A anterior, S superior or I inferior. LIA is an array
   * whose first index grows to the left, second to the feet, third to the front.
   */
  z.strictObject({
    step: z.literal('reorient'),
    axes: z
      .string()
      .regex(
        /^(?=.*[LR])(?=.*[PA])(?=.*[SI])[LRPASI]{3}$/,
        'three letters, one each of L/R, P/A and S/I, e.g. RAS or LIA',
      ),
  }),
  /** To this many millimetres a voxel along each axis. */
  z.strictObject({
    step: z.literal('resample'),
    millimetres: z.tuple([positive, positive, positive]),
    interpolation: z.enum(['linear', 'nearest']).default('linear'),
  }),
  /** About the middle. */
  z.strictObject({ step: z.literal('crop-or-pad'), sizes, value: z.number().default(0) }),
  /** To the box around everything above this value, and so many voxels more on every side. */
  z.strictObject({ step: z.literal('crop-to-content'), above: z.number(), margin: z.int().min(0).max(256) }),
  /** Filled at the end of each axis until its size is a multiple of this. */
  z.strictObject({ step: z.literal('pad-to-multiple'), of: z.int().min(2).max(256), value: z.number().default(0) }),
  /**
   * Windows of this size, one after the other, that overlap by this share; a smaller volume is filled up to one. Must come last; the
   * postprocessing puts them together again by `merge-windows`.
   */
  z.strictObject({
    step: z.literal('sliding-window'),
    sizes,
    overlap: z.number().min(0).max(0.9),
    value: z.number().default(0),
  }),
]);

const colour = z.enum(['grey', 'colour']);
const orientation = z.enum(['axial', 'coronal', 'sagittal']);
const range = z.strictObject({ atLeast: positive, atMost: positive });
const slicing = {
  /** The plane the slices lie in, up to 30 degrees off; any where it is left out. */
  orientation: orientation.optional(),
  slices: z.strictObject({ atLeast: z.int().min(2), atMost: z.int().max(5000) }),
  /** Distance between slice centres along the normal, mm. */
  sliceSpacing: range,
  /** Distance between the first and the last slice, mm. */
  extent: z.strictObject({ atLeast: positive }),
  /** Between rows and between columns, mm. */
  pixelSpacing: range.optional(),
};

/** Pictures by themselves: a radiograph, a photograph, the views of a mammogram. */
export const imageInput = z.strictObject({
  kind: z.literal('image'),
  colour: colour.default('grey'),
  /** How many of the study's pictures are read, each a batch item: 1 takes the largest; more than `atMost` is unsuitable. */
  images: z.strictObject({ atLeast: z.int().min(1), atMost: z.int().max(64) }).default({ atLeast: 1, atMost: 1 }),
  /** Given to the network at once. */
  batch: z.int().min(1).max(64).default(1),
  preprocessing: z.array(pictureStep).min(1),
});

/** Evenly spaced parallel slices, given to the network slice by slice: memory does not grow with their number. */
export const stackInput = z.strictObject({
  kind: z.literal('stack'),
  ...slicing,
  /** Slices given to the network at once. */
  batch: z.int().min(1).max(64),
  /** Neighbours on each side that come as further channels (2.5-D); beyond the ends the last slice repeats. */
  neighbours: z.int().min(0).max(8).default(0),
  preprocessing: z.array(pictureStep).min(1),
});

/** The same slices as one array, held in memory whole, and therefore bounded. */
export const volumeInput = z.strictObject({
  kind: z.literal('volume'),
  ...slicing,
  /** Of the volume as it was acquired; the worker refuses more than 256 million whatever is said here. */
  voxels: z.strictObject({ atMost: z.int().min(1).max(268_435_456) }).default({ atMost: 134_217_728 }),
  preprocessing: z.array(volumeStep).min(1),
});

const waveformStep = z.discriminatedUnion('step', [
  /** Samples to this unit by channel sensitivity and correction factor. Must come first. */
  z.strictObject({ step: z.literal('microvolts') }),
  z.strictObject({ step: z.literal('millivolts') }),
  /** To this many samples a second, band-limited. */
  z.strictObject({ step: z.literal('resample'), hertz: positive.max(4000) }),
  /** Butterworth; with `zeroPhase` forwards and backwards over an odd extension of the ends, as SciPy's filtfilt. */
  z.strictObject({
    step: z.literal('filter'),
    kind: z.enum(['low-pass', 'high-pass', 'band-pass']),
    order: z.int().min(1).max(8),
    hertz: z.union([positive, z.tuple([positive, positive])]),
    zeroPhase: z.boolean(),
  }),
  /** The first so many samples, or as many filled with this value behind. */
  z.strictObject({
    step: z.literal('crop-or-pad'),
    samples: z.int().min(1).max(2_400_000),
    value: z.number().default(0),
  }),
  normalise,
]);

export const waveformInput = z.strictObject({
  kind: z.literal('waveform'),
  /** Channel order given to the network: leads by their usual names; III, aVR, aVL and aVF are derived from I and II if absent. */
  leads: z.array(z.enum(['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'])).min(1),
  seconds: z.strictObject({ atLeast: positive, atMost: positive.max(600) }),
  preprocessing: z.array(waveformStep).min(1),
});

const tilesStep = z.discriminatedUnion('step', [
  /** Colour of clear glass: per channel this percentile over up to `tiles` tiles; all pixels are scaled so that it becomes 255. */
  z.strictObject({
    step: z.literal('divide-by-background'),
    percentile: z.number().min(50).max(100),
    tiles: z.int().min(1).max(256),
  }),
  /** What lies beyond the total pixel matrix (padding of edge tiles) becomes this value; 255 where the step is not there. */
  z.strictObject({ step: z.literal('blank-outside-matrix'), value: z.number().min(0).max(255) }),
  z.strictObject({ step: z.literal('channels'), order: z.enum(['rgb', 'bgr', 'grey']) }),
  normalise,
]);

export const tilesInput = z.strictObject({
  kind: z.literal('tiles'),
  /** The pyramid level whose pixel spacing (geometric mean of rows and columns) is nearest `nearest`, within the limits. */
  pixelSpacingMicrometres: z.strictObject({ nearest: positive, atLeast: positive, atMost: positive }),
  /** Of the level, as it is stored. */
  tiles: z.strictObject({ atMost: z.int().min(1).max(200_000) }),
  /**
   * Squares of `size` pixels cut out of the level wherever its own tiles lie, each seen with `overlap` pixels of its neighbours on every
   * side (the network gets size + 2 x overlap). Without it the network gets the slide's own tiles.
   */
  cut: z.strictObject({ size: z.int().min(16).max(4096), overlap: z.int().min(0).max(512).default(0) }).optional(),
  /** Tiles where less than this share is darker than glass are not given to the network: there is nothing on them. */
  tissueAtLeast: z.number().min(0).max(1).default(0),
  batch: z.int().min(1).max(64),
  preprocessing: z.array(tilesStep).min(1),
});

export type ImageInput = z.infer<typeof imageInput>;
export type StackInput = z.infer<typeof stackInput>;
export type VolumeInput = z.infer<typeof volumeInput>;
export type WaveformInput = z.infer<typeof waveformInput>;
export type TilesInput = z.infer<typeof tilesInput>;
export type PictureStep = z.infer<typeof pictureStep>;
export type VolumeStep = z.infer<typeof volumeStep>;
export type WaveformStep = z.infer<typeof waveformStep>;
export type TilesStep = z.infer<typeof tilesStep>;
export type NormaliseStep = z.infer<typeof normalise>;
