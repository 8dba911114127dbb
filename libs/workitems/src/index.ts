export { dicomDateTime } from './dicom-date-time.js';
export { toUpsDataset, upsSopClassUid } from './to-ups-dataset.js';
export {
  type AiWorkitem,
  type NewWorkitem,
  type OtherWorkitem,
  type Priority,
  type ReadingWorkitem,
  type Workitem,
  type WorkitemKind,
  type WorkitemOutput,
  type WorkitemState,
} from './workitem.js';
export {
  cancelForStudy,
  cancelWorkitem,
  claimWorkitem,
  completeWorkitem,
  createWorkitem,
  getWorkitem,
  getWorkitems,
  heartbeatWorkitem,
  releaseSilentWorkitem,
  releaseWorkitem,
} from './workitem-repository.js';
