import { request, requestJson } from './request.js';
import type { WorklistItem } from './worklist-item.js';

/** Why the study is where it is: what the router decided, on what evidence. */
export interface StudyRouting {
  state: 'receiving' | 'complete' | 'routed';
  completeness: { isComplete: boolean; evidence: { kind: string; isMet: boolean; text: string }[] } | null;
  specialty: { value: string; reason: string } | null;
  basePriority: { priority: string; reason: string } | null;
  rules: { ruleId: string; name: string; matched: boolean; reason: string }[];
  models: { model: string; requested: string; rules: string[]; status: string; version: string | null }[];
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
