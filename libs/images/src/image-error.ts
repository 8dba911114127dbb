export const imageErrorCodes = [
  'no-pixels',
  'missing-attribute',
  'invalid-value',
  'missing-bulk-data',
  'unsupported-transfer-syntax',
  'unsupported-pixels',
  'mismatch',
  'truncated',
  'malformed',
  'limit-exceeded',
  'invalid-option',
  'timed-out',
  'out-of-memory',
  'crashed',
  'overloaded',
  'closed',
] as const;

/**
 * Why a picture could not be made.
 * - `no-pixels`: the instance has no image (SR, PDF, ...).
 * - `missing-attribute`, `invalid-value`: the dataset lacks what the picture needs, or contradicts itself.
 * - `missing-bulk-data`: a lookup table or waveform is bulk data that the caller did not hand in.
 * - `unsupported-transfer-syntax`, `unsupported-pixels`: valid DICOM that this build cannot decode or show.
 * - `mismatch`: the compressed frame's own header contradicts the dataset.
 * - `truncated`, `malformed`: the frame's bytes are too short, or the decoder refused them.
 * - `limit-exceeded`: larger than the limits allow.
 * - `invalid-option`: the caller asked for something that cannot be (a window of width 0, a viewport outside the image).
 * - `timed-out`, `out-of-memory`, `crashed`: decoding was stopped in its own process.
 * - `overloaded`: too many pictures are waiting already; try again later.
 * - `closed`: the service is shutting down.
 */
export type ImageErrorCode = (typeof imageErrorCodes)[number];

/** The one error of this library. The message says what is wrong with which attribute or byte; never pixel values or names. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;

  constructor(code: ImageErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
