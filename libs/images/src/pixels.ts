/** Samples as the stored type has them; bits above Bits Stored removed and the sign extended. */
export type PixelArray =
  Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/** One decoded frame. */
export interface Pixels {
  /** rows * columns * samplesPerPixel values, row by row, the samples of one pixel side by side (never planar). */
  data: PixelArray;
  rows: number;
  columns: number;
  samplesPerPixel: number;
  /** After decoding: YBR_* has become RGB; MONOCHROME1, MONOCHROME2 and PALETTE COLOR are as they were. */
  photometricInterpretation: string;
}

/** Eight bits a channel, for the screen. */
export interface Picture {
  data: Uint8Array<ArrayBuffer>;
  width: number;
  height: number;
  /** 1 grey, 3 R G B. */
  channels: 1 | 3;
}
