export type ReadingErrorCode =
  'no-reading-task' | 'reading-taken' | 'reading-not-yours' | 'reading-over' | 'no-result' | 'no-finding';

/** What a reader asked for cannot be. */
export class ReadingError extends Error {
  /** @param holder who reads it now, where that is why */
  constructor(
    readonly code: ReadingErrorCode,
    message: string,
    readonly holder: string | null = null,
  ) {
    super(message);
  }
}
