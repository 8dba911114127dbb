export { ArchiveError, type ArchiveErrorCode } from './archive-error.js';
export { ArchiveModule } from './archive.module.js';
export { numberChanges } from './changes/number-changes.js';
export { type Change, type ChangeQuery, ChangesTrimmedError, ReadChanges } from './changes/read-changes.js';
export { trimChanges } from './changes/trim-changes.js';
export { DeleteInstances } from './delete-instances.js';
export type { Deletion, DeletionState } from './deletion.js';
export { failureReason, warningReason } from './failure-reason.js';
export { levelOfAttribute } from './level-attributes.js';
export { type ListedDeletion, listDeletions } from './list-deletions.js';
export { missing, refuseGone, type ResourceUids } from './missing.js';
export { type Frame, type OpenedFrames, OpenFrames } from './open-frames.js';
export { type InstanceRow, type InstanceUids, OpenInstance, type StudyUids } from './open-instance.js';
export { purgeOverdue, PurgeDeletions } from './purge-deletions.js';
export { type InstanceMetadata, ReadMetadata } from './read-metadata.js';
export { ReadPack } from './read-pack.js';
export { getDeletion, RestoreDeletion } from './restore-deletion.js';
export { StoreInstances } from './store-instances.js';
export type {
  FailedInstance,
  IncomingPart,
  Origin,
  StoredInstance,
  StoreOptions,
  StoreOutcome,
} from './store-outcome.js';
