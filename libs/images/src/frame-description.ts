/** How a VOI window maps values to grey (PS3.3 C.11.2.1.2 and C.11.2.1.3). */
export type WindowFunction = 'LINEAR' | 'LINEAR_EXACT' | 'SIGMOID';

/** A VOI window, in modality units (HU for CT). */
export interface VoiWindow {
  center: number;
  width: number;
  function: WindowFunction;
}

/** A lookup table of one output (Modality LUT, VOI LUT, one palette channel). */
export interface LookupTable {
  /** The input that maps to `values[0]`; inputs before and after the table take its first and last value. */
  firstInput: number;
  /** Bits of an output value (LUT Descriptor, third value). */
  bits: number;
  values: Uint16Array;
}

/** What the brightness after the VOI step becomes (PS3.3 C.11.6): a shape, or a table over all of it. */
export type PresentationLut = 'IDENTITY' | 'INVERSE' | LookupTable;

/** All that is needed to decode and show one frame: a plain object that crosses process boundaries. */
export interface FrameDescription {
  transferSyntaxUid: string;
  rows: number;
  columns: number;
  samplesPerPixel: number;
  bitsAllocated: number;
  bitsStored: number;
  highBit: number;
  /** 0 unsigned, 1 two's complement. */
  pixelRepresentation: 0 | 1;
  /** Which element holds the pixels: Pixel Data, Float Pixel Data or Double Float Pixel Data. */
  sampleType: 'integer' | 'float' | 'double';
  photometricInterpretation: string;
  /** 0 samples of a pixel together, 1 one plane a sample: of native frames; compressed ones have an order of their own. */
  planarConfiguration: 0 | 1;
  /**
   * Native one-bit frames only: the bit of the first byte where the frame begins (0 is the lowest), since frames are
   * packed without padding. Set it to 0 for frames that were already repacked to a byte boundary (as WADO-RS sends them).
   */
  bitOffset: number;
  /** Big endian only: the bytes of each word of so many bytes are to be reversed; 0 for none. */
  swapWordBytes: 0 | 2 | 4 | 8;
  rescaleSlope: number;
  rescaleIntercept: number;
  /** Rescale Type, e.g. HU; undefined when the dataset does not say. */
  rescaleType: string | undefined;
  /** Instead of slope and intercept, when the dataset has a Modality LUT. */
  modalityLut: LookupTable | undefined;
  /** This frame's windows, the first is the default. */
  windows: VoiWindow[];
  voiLut: LookupTable | undefined;
  /** Of a presentation state, or Presentation LUT Shape; without it MONOCHROME1 is inverted. */
  presentationLut?: PresentationLut;
  palette: { red: LookupTable; green: LookupTable; blue: LookupTable } | undefined;
  /** Of a pseudo-colour presentation state: colours for the brightness of a grey image. */
  pseudoColor?: { red: LookupTable; green: LookupTable; blue: LookupTable };
  /** Stored values that stand for "no pixel here" (Pixel Padding Value and its range limit). */
  padding: { first: number; last: number } | undefined;
  /** Label values and probabilities, which have no brightness of their own. */
  isSegmentation: boolean;
}

/** How a frame's samples lie, and what they can hold. */
export type SampleLayout = Pick<
  FrameDescription,
  | 'rows'
  | 'columns'
  | 'samplesPerPixel'
  | 'bitsAllocated'
  | 'bitsStored'
  | 'highBit'
  | 'pixelRepresentation'
  | 'sampleType'
  | 'photometricInterpretation'
  | 'planarConfiguration'
>;

/** What a frame's samples are, without what they mean: whole numbers. */
export type SampleShape = Omit<SampleLayout, 'sampleType'> & Pick<FrameDescription, 'transferSyntaxUid'>;

/** Whether each stored byte is one whole sample without a sign. */
export function isPlainByte({
  sampleType,
  bitsAllocated,
  bitsStored,
  pixelRepresentation,
  swapWordBytes,
}: FrameDescription): boolean {
  const isByte = sampleType === 'integer' && bitsAllocated === 8 && swapWordBytes === 0;
  return isByte && bitsStored === 8 && pixelRepresentation === 0;
}

/** Stored values that mean themselves: no rescaling, windows, palette or padding. */
export const storedValues = () =>
  ({
    rescaleSlope: 1,
    rescaleIntercept: 0,
    rescaleType: undefined,
    modalityLut: undefined,
    windows: [],
    voiLut: undefined,
    palette: undefined,
    padding: undefined,
    isSegmentation: false,
  }) satisfies Partial<FrameDescription>;

/** Whole samples that begin at a byte. */
export const describeSamples = (shape: SampleShape): FrameDescription => ({
  ...shape,
  sampleType: 'integer',
  bitOffset: 0,
  swapWordBytes: 0,
  ...storedValues(),
});
