export type ArchiveErrorCode =
  | 'study-not-found'
  | 'series-not-found'
  | 'instance-not-found'
  | 'frame-not-found'
  | 'frames-not-readable'
  | 'bulk-data-not-found'
  /** It was deleted. */
  | 'gone'
  | 'archive-unavailable';

/** What the archive cannot give, and why. */
export class ArchiveError extends Error {
  constructor(
    readonly code: ArchiveErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ArchiveError';
  }
}
