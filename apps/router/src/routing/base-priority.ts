import { jsonText } from '#libs/dicom';
import type { Priority } from '#libs/workitems';
import { type Evaluation, urgency } from './evaluate-rules.js';
import type { StudyFacts } from './study-facts.js';

/** Requested Procedure Priority (0040,1003), its defined terms (PS3.3 C.4.11) and what is written instead. */
const priorityOfOrder: Record<string, Priority> = {
  STAT: 'HIGH',
  HIGH: 'HIGH',
  URGENT: 'HIGH',
  ASAP: 'HIGH',
  ROUTINE: 'MEDIUM',
  MEDIUM: 'MEDIUM',
  NORMAL: 'MEDIUM',
  LOW: 'LOW',
};

/** The study's priority without any model's word: what the order says (else MEDIUM), raised by the rules that matched. */
export function basePriority(
  study: StudyFacts,
  rules?: Evaluation['priority'],
): { priority: Priority; reason: string } {
  const ordered = orderedPriority(study);
  if (rules !== undefined && urgency[rules.priority] > urgency[ordered.priority]) {
    return { priority: rules.priority, reason: `The rule "${rules.rule}" gives ${rules.priority}.` };
  }
  return ordered;
}

function orderedPriority(study: StudyFacts): { priority: Priority; reason: string } {
  const datasets = [study.attributes, ...study.series.map(({ sample }) => sample)];
  const found = datasets
    .map((dataset) => dataset && jsonText(dataset, '00401003')?.trim().toUpperCase())
    .map((term) => ({ term, priority: term === undefined ? undefined : priorityOfOrder[term] }))
    .filter((given): given is { term: string; priority: Priority } => given.priority !== undefined)
    .sort((a, b) => urgency[b.priority] - urgency[a.priority])[0];
  if (found === undefined) return { priority: 'MEDIUM', reason: 'The order names no priority.' };
  return { priority: found.priority, reason: `The order says ${found.term}.` };
}
