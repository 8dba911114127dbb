import type { Priority, WorkitemState } from '#libs/workitems';

/**
 * What AI has to say of a study. 'not-analysed': nothing was asked, or nobody could answer; never to be read as
 * 'negative'. 'overridden': a reader disagreed with what it said.
 */
export type AiState = 'pending' | 'not-analysed' | 'failed' | 'positive' | 'negative' | 'inconclusive' | 'overridden';
export const aiStates: readonly AiState[] = [
  'pending',
  'not-analysed',
  'failed',
  'positive',
  'negative',
  'inconclusive',
  'overridden',
];

/** One line of the worklist, as the API gives it out. */
export interface WorklistItem {
  workitemUid: string;
  studyInstanceUid: string;
  patientName: string;
  patientId: string;
  patientBirthDate: string | null;
  patientSex: string | null;
  /** YYYYMMDD. */
  studyDate: string | null;
  studyTime: string | null;
  studyDescription: string | null;
  accessionNumber: string | null;
  modalities: string[];
  /** Body Part Examined of its series, upper case. */
  bodyParts: string[];
  specialty: string | null;
  numberOfSeries: number;
  numberOfInstances: number;
  /** ISO 8601, UTC, as all times here. */
  receivedAt: string;
  deadline: string | null;
  /** When it was told that this deadline nears. */
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

/** A model's task on the study, and what came of it. */
export interface AiResult {
  workitemUid: string;
  /** `<specialty>/<name>`. */
  model: string;
  version: string;
  state: WorkitemState;
  /** Who performs or performed it: a worker of the suite, or a performer from outside by its AE title. */
  performer: string | null;
  outcome: 'positive' | 'negative' | 'inconclusive' | null;
  summary: string | null;
  /** Why there is no result. */
  error: string | null;
  finishedAt: string | null;
  findings: { name: string; value: number; unit: string; flag: 'normal' | 'abnormal' | null }[];
  /** The structured report in the archive. */
  report: ReportReference | null;
  /** What readers said of it, in order. */
  reviews: FindingReview[];
}

export interface ReportReference {
  seriesInstanceUid: string;
  sopInstanceUid: string;
}

/** A reader's word on a result as a whole (`finding` null) or on one of its findings. */
export interface FindingReview {
  finding: string | null;
  verdict: 'agree' | 'disagree';
  comment: string;
  reader: string;
  at: string;
  /** Its own structured report; null until it is in the archive. */
  report: ReportReference | null;
}
