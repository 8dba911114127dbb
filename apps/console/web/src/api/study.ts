import { request, requestJson } from './request.js';
import type { WorklistItem } from './worklist-item.js';

/** Why the study is where it is. The evidence is shown as the router tells it, so its keys are open. */
export interface StudyRouting {
  completeness?: Record<string, unknown> | null;
  specialty?: { value: string | null; reason: string | null } | null;
  rules?: { name: string; matched: boolean; reason: string | null }[];
  workitems?: Record<string, unknown>[];
}

export interface StudyDetail {
  item: WorklistItem;
  routing: StudyRouting;
}

export function getStudy(studyInstanceUid: string, signal?: AbortSignal): Promise<StudyDetail> {
  return requestJson<StudyDetail>(`/api/studies/${studyInstanceUid}`, signal ? { signal } : {});
}

/** Tells the router that nothing more will come for this study. */
export async function completeStudy(studyInstanceUid: string): Promise<void> {
  await request(`/api/studies/${studyInstanceUid}/complete`, { method: 'POST' });
}
