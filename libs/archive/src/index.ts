export { ArchiveError, type ArchiveErrorCode } from './archive-error.js';
export { ArchiveModule } from './archive.module.js';
export { openStores } from './open-stores.js';
export { numberChanges } from './changes/number-changes.js';
export { type Change, type ChangeQuery, ChangesTrimmedError, ReadChanges } from './changes/read-changes.js';
export { trimChanges } from './changes/trim-changes.js';
export { DeleteInstances } from './deletion/delete-instances.js';
export type { Deletion, DeletionState } from './deletion/deletion.js';
export { failureReason, warningReason } from './store/failure-reason.js';
export { levelOfAttribute } from './store/level-attributes.js';
export { type ListedDeletion, listDeletions } from './deletion/list-deletions.js';
export { missing, refuseGone, type ResourceUids } from './deletion/missing.js';
export { type Frame, type OpenedFrames, OpenFrames } from './retrieve/open-frames.js';
export { type InstanceRow, type InstanceUids, OpenInstance, type StudyUids } from './retrieve/open-instance.js';
export { purgeOverdue, PurgeDeletions } from './deletion/purge-deletions.js';
export { type InstanceMetadata, ReadMetadata } from './retrieve/read-metadata.js';
export { ByteCursor } from './packs/byte-cursor.js';
export { FrameCodec, htj2kLossless, NotCompressible } from './packs/frame-codec.js';
export { type ByteRanges, expand, PackBytes } from './packs/pack-bytes.js';
export { type EncodedFrames, type PackPart, type Piece, piecesOf } from './packs/pack-part.js';
export { ReadPack } from './retrieve/read-pack.js';
export { type Recalled, RecallPacks } from './retrieve/recall-packs.js';
export { getDeletion, RestoreDeletion } from './deletion/restore-deletion.js';
export { StoreInstances } from './store/store-instances.js';
export type {
  FailedInstance,
  IncomingPart,
  Origin,
  StoredInstance,
  StoreOptions,
  StoreOutcome,
} from './store/store-outcome.js';
