import type { DicomJson } from '#libs/dicom';

/** Procedure Step State (0074,1000), PS3.4 CC.1.1. COMPLETED and CANCELED are final. */
export type WorkitemState = 'SCHEDULED' | 'IN PROGRESS' | 'COMPLETED' | 'CANCELED';
/** Scheduled Procedure Step Priority (0074,1200). */
export type Priority = 'HIGH' | 'MEDIUM' | 'LOW';
export type WorkitemKind = 'ai' | 'reading' | 'other';

/**
 * A Unified Procedure Step (PS3.4 CC) as its row says it. The Transaction UID is not part of it: only who claimed the
 * workitem knows it, and it fences what they write.
 */
interface AnyWorkitem {
  /** SOP Instance UID of the workitem. */
  uid: string;
  state: WorkitemState;
  priority: Priority;
  /** Why it has this priority, in a sentence for people. */
  priorityReason: string;
  deadline: Date | null;
  /** Who holds or held it: a worker's or a reader's name. null while nobody has claimed it. */
  performer: string | null;
  /** Attempts that ended without a result. */
  attempts: number;
  claimedAt: Date | null;
  heartbeatAt: Date | null;
  finishedAt: Date | null;
  /** Why it was canceled. */
  discontinuationReason: string | null;
  /** DICOM JSON without the attributes named above; {@link toUpsDataset} puts them together. */
  dataset: DicomJson;
  createdAt: Date;
  updatedAt: Date;
}

/** One model (by its bytes) on one set of instances: at most one of these exists. */
export interface AiWorkitem extends AnyWorkitem {
  kind: 'ai';
  studyInstanceUid: string;
  /** `<specialty>/<name>`. */
  modelId: string;
  modelVersion: string;
  /** Of model.onnx, lower-case hex. */
  modelSha256: string;
  /** Digest over the SHA-256 of the instances the study had when this was ordered, lower-case hex. */
  inputDigest: string;
}

/** A person reads the study: one a study, from its first instance on. */
export interface ReadingWorkitem extends AnyWorkitem {
  kind: 'reading';
  studyInstanceUid: string;
}

/** A step that somebody else ordered over UPS-RS. */
export interface OtherWorkitem extends AnyWorkitem {
  kind: 'other';
  studyInstanceUid: string | null;
}

export type Workitem = AiWorkitem | ReadingWorkitem | OtherWorkitem;

interface AnyNewWorkitem {
  uid: string;
  priority: Priority;
  priorityReason: string;
  deadline: Date | null;
  dataset: DicomJson;
}

export interface AiNewWorkitem extends AnyNewWorkitem {
  kind: 'ai';
  studyKey: number;
  modelId: string;
  modelVersion: string;
  modelSha256: string;
  inputDigest: string;
  /** Not before this; null or undefined: at once. */
  scheduledStart?: Date | null;
}

export type NewWorkitem =
  | AiNewWorkitem
  | (AnyNewWorkitem & { kind: 'reading'; studyKey: number })
  | (AnyNewWorkitem & { kind: 'other'; studyKey: number | null });

/** What a performer made: stored instances of one series (PS3.3 10.27, Output Information Sequence). */
export interface WorkitemOutput {
  studyInstanceUid: string;
  seriesInstanceUid: string;
  instances: { sopClassUid: string; sopInstanceUid: string }[];
}
