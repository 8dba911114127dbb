export type StorageErrorCode =
  | 'pack-not-found'
  | 'tier-without-store'
  /** None of the tier's stores takes anything now; see TierTakesNothing. */
  | 'tier-takes-nothing'
  /** A copy's bytes are not those of the pack's row. */
  | 'copy-damaged'
  | 'copy-too-slow'
  /** What is to move must be restored first; it was asked for. */
  | 'source-archived';

/** Why a pack was not moved; nothing was retired. */
export class StorageError extends Error {
  constructor(
    readonly code: StorageErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'StorageError';
  }
}
