export { dicomDateTime, dicomPeriod, parseDicomDateTime } from './dicom-date-time.js';
export { wellKnownWorklists } from './filtered-subscriptions.js';
export { searchWorkitems } from './search-workitems.js';
export {
  filteredSubscriptionsMax,
  subscribeToAll,
  subscribeToMatching,
  subscribeToWorkitem,
  suspendSubscription,
  type Subscriber,
  unsubscribeFrom,
  unsubscribeFromWorkitem,
} from './subscriptions.js';
export { toUpsDataset, upsSopClassUid } from './to-ups-dataset.js';
export {
  deleteUpsEvents,
  hasSubscribers,
  readUpsEvents,
  recentUpsEventKeys,
  reportCancelRequest,
  subscribedSince,
  toEventReport,
  type UpsEvent,
  upsEventType,
} from './ups-events.js';
export {
  type AiNewWorkitem,
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
  parseWorkitemMatch,
  parseWorkitemQuery,
  type WorkitemMatch,
  type WorkitemQuery,
  WorkitemQueryError,
} from './workitem-query.js';
export {
  cancelForStudy,
  cancelWorkitem,
  claimWorkitem,
  completeDescribedWorkitem,
  completeWorkitem,
  createWorkitem,
  createWorkitems,
  failWorkitem,
  getWorkitem,
  getWorkitems,
  heartbeatWorkitem,
  type LockedWorkitem,
  lockWorkitem,
  releaseSilentWorkitem,
  releaseWorkitem,
  reopenWorkitem,
  updateWorkitem,
} from './workitem-repository.js';
