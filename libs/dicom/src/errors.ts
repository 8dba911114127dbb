/** What went wrong with an object, stable for callers that map it to an HTTP status or a failure reason. */
export type DicomErrorCode =
  | 'not-dicom'
  | 'truncated'
  | 'malformed'
  | 'limit-exceeded'
  | 'missing-attribute'
  | 'missing-bulk-data'
  | 'invalid-value'
  | 'unsupported-transfer-syntax';

/** Where in the object it went wrong. */
export interface DicomErrorPlace {
  /** Byte offset from the first byte of the object (for a deflated syntax: within the inflated dataset). */
  offset?: number | undefined;
  /** Tag as in the standard's JSON model, `GGGGEEEE`. */
  tag?: string | undefined;
}

/** The one error of this library: a DICOM object, or a request about one, that cannot be used as it is. */
export class DicomError extends Error {
  readonly code: DicomErrorCode;
  readonly offset: number | undefined;
  readonly tag: string | undefined;

  constructor(code: DicomErrorCode, message: string, place: DicomErrorPlace = {}, options?: ErrorOptions) {
    super(message + describePlace(place), options);
    this.name = 'DicomError';
    this.code = code;
    this.offset = place.offset;
    this.tag = place.tag;
  }
}

function describePlace({ offset, tag }: DicomErrorPlace): string {
  const parts: string[] = [];
  if (tag !== undefined) parts.push(`tag (${tag.slice(0, 4)},${tag.slice(4)})`);
  if (offset !== undefined) parts.push(`byte ${offset}`);
  return parts.length === 0 ? '' : ` [${parts.join(', ')}]`;
}
