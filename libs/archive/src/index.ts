export { ArchiveError, type ArchiveErrorCode } from './archive-error.js';
export { ArchiveModule } from './archive.module.js';
export { failureReason, warningReason } from './failure-reason.js';
export { missing, refuseGone, type ResourceUids } from './missing.js';
export { type Frame, type OpenedFrames, OpenFrames } from './open-frames.js';
export { type InstanceRow, type InstanceUids, OpenInstance, type StudyUids } from './open-instance.js';
export { ReadMetadata } from './read-metadata.js';
export { ReadPack } from './read-pack.js';
export { StoreInstances } from './store-instances.js';
export type {
  FailedInstance,
  IncomingPart,
  Origin,
  StoredInstance,
  StoreOptions,
  StoreOutcome,
} from './store-outcome.js';
