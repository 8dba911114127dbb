export type StorageErrorCode =
  | 'pack-not-found'
  | 'tier-without-store'
  /** A copy's bytes are not those of the pack's row. */
  | 'copy-damaged'
  | 'copy-too-slow'
  /** What is to move must be restored first; it was asked for. */
  | 'source-archived';

/** Why a pack was not moved; nothing was retired. */
export class StorageError extends Error {
  /** The copy that is not what it should be, where it is known. */
  readonly locationId: string | undefined;

  constructor(
    readonly code: StorageErrorCode,
    message: string,
    options?: ErrorOptions & { locationId?: string },
  ) {
    super(message, options);
    this.name = 'StorageError';
    this.locationId = options?.locationId;
  }
}
