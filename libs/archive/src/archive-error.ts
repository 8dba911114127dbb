export type ArchiveErrorCode =
  | 'study-not-found'
  | 'series-not-found'
  | 'instance-not-found'
  | 'frame-not-found'
  | 'frames-not-readable'
  | 'bulk-data-not-found'
  /** It was deleted. */
  | 'gone'
  | 'deletion-not-found'
  /** It was restored or purged already. */
  | 'deletion-over'
  /** What should come back would meet other content under its UID. */
  | 'restore-conflict'
  /** The feed does not go back as far as was asked. */
  | 'changes-trimmed'
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
