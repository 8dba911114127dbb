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
  /** It lies in an archive class, from which it is being brought back. */
  | 'being-restored'
  /** Somebody keeps the study from being deleted. */
  | 'on-legal-hold'
  | 'archive-unavailable';

/** What the archive cannot give, and why. */
export class ArchiveError extends Error {
  /** When it is worth asking again, where that is known. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly code: ArchiveErrorCode,
    message: string,
    options?: ErrorOptions & { retryAfterSeconds?: number },
  ) {
    super(message, options);
    this.name = 'ArchiveError';
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }
}
