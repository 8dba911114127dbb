import { request, requestJson } from './request.js';
import type { FindingReview, Priority } from './worklist-item.js';

export type ReadingAct = 'claim' | 'release' | 'complete';

const at = (workitemUid: string, act: string) => `/api/worklist/${workitemUid}/${act}`;

/** Takes, gives back or finishes a reading task in a reader's name. Throws {@link ApiError} 409 when another holds it. */
export async function readingAct(workitemUid: string, act: ReadingAct, reader: string): Promise<void> {
  await request(at(workitemUid, act), { method: 'POST', body: { reader } });
}

/** An administrator gives back what somebody else holds. */
export async function releaseWhoever(workitemUid: string): Promise<void> {
  await request(at(workitemUid, 'release'), { method: 'POST', body: { whoever: true } });
}

/** @param priority null: what the order, the rules and the models say */
export async function changePriority(
  workitemUid: string,
  reader: string,
  priority: Priority | null,
  reason: string,
): Promise<void> {
  await request(at(workitemUid, 'priority'), { method: 'POST', body: { reader, priority, reason } });
}

/** Agrees or disagrees with a result. */
export async function reviewResult(
  workitemUid: string,
  reader: string,
  review: { result: string; finding: string | null; verdict: FindingReview['verdict']; comment: string },
): Promise<void> {
  await request(at(workitemUid, 'reviews'), { method: 'POST', body: { reader, ...review } });
}

export interface TimelineEvent {
  at: string;
  kind: string;
  text: string;
  actor: string | null;
}

export const getTimeline = (studyInstanceUid: string, signal: AbortSignal): Promise<{ events: TimelineEvent[] }> =>
  requestJson(`/api/studies/${studyInstanceUid}/timeline`, { signal });
