export type Priority = 'HIGH' | 'MEDIUM' | 'LOW';
export type WorkitemState = 'SCHEDULED' | 'IN PROGRESS' | 'COMPLETED' | 'CANCELED';
export type AiState = 'pending' | 'not-analysed' | 'failed' | 'positive' | 'negative' | 'inconclusive' | 'overridden';

/** One number a model gave. */
export interface Finding {
  name: string;
  value: number;
  unit: string;
  flag: 'normal' | 'abnormal' | null;
}

/** What a reader said of a result (`finding` null) or of one of its findings. */
export interface FindingReview {
  finding: string | null;
  verdict: 'agree' | 'disagree';
  comment: string;
  reader: string;
  at: string;
  /** null until it is in the archive. */
  report: { seriesInstanceUid: string; sopInstanceUid: string } | null;
}

/** What one model said of a study, or why it said nothing. */
export interface AiResult {
  workitemUid: string;
  model: string;
  version: string;
  state: WorkitemState;
  outcome: string | null;
  summary: string | null;
  error: string | null;
  finishedAt: string | null;
  findings: Finding[];
  report: { seriesInstanceUid: string; sopInstanceUid: string } | null;
  reviews: FindingReview[];
}

/** A row of the reading worklist: one study and its reading workitem. Dates are DICOM (YYYYMMDD), times of ours ISO. */
export interface WorklistItem {
  workitemUid: string;
  studyInstanceUid: string;
  patientName: string;
  patientId: string;
  patientBirthDate: string | null;
  patientSex: string | null;
  studyDate: string | null;
  studyTime: string | null;
  studyDescription: string | null;
  accessionNumber: string | null;
  modalities: string[];
  bodyParts: string[];
  specialty: string | null;
  numberOfSeries: number;
  numberOfInstances: number;
  receivedAt: string;
  deadline: string | null;
  /** When it was told that the deadline nears. */
  escalatedAt: string | null;
  finishedAt: string | null;
  priority: Priority;
  priorityReason: string;
  state: WorkitemState;
  /** Who reads it or has read it. */
  performer: string | null;
  isSample: boolean;
  thumbnailUrl: string;
  ai: { state: AiState; summary: string | null; results: AiResult[] };
}
