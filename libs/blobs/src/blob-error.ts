export type BlobErrorCode =
  'blob-not-found' | 'blob-invalid-range' | 'blob-no-space' | 'blob-unavailable' | 'blob-archived';

/** What went wrong with a blob or its store; `cause` has the store's own error. */
export class BlobError extends Error {
  constructor(
    readonly code: BlobErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'BlobError';
  }
}
