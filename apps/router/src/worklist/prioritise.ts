import type { Priority } from '#libs/workitems';
import { urgency } from '../routing/evaluate-rules.js';

export interface PrioritisedResult {
  modelId: string;
  modelVersion: string;
  /** What the model's triage rule gives; LOW where it says nothing. */
  priority: Priority;
  summary: string;
}

export interface ReadingPriority {
  priority: Priority;
  reason: string;
}

/**
 * The priority of a reading task. A model can raise it, never lower it below what the order and the rules gave: a
 * "negative" is no reason to read a study later than somebody asked for.
 */
export function prioritise(base: ReadingPriority, results: readonly PrioritisedResult[]): ReadingPriority {
  const mostUrgent = [...results].sort(
    (a, b) => urgency[b.priority] - urgency[a.priority] || (a.modelId < b.modelId ? -1 : 1),
  )[0];
  if (mostUrgent === undefined || urgency[mostUrgent.priority] <= urgency[base.priority]) return base;
  return {
    priority: mostUrgent.priority,
    reason: `${mostUrgent.modelId} ${mostUrgent.modelVersion}: ${mostUrgent.summary}`,
  };
}
