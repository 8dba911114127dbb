import type { Priority } from '#libs/workitems';
import type { RuleVerdict } from './evaluate-rules.js';

/** What became of a model that a rule asked for. */
export interface ModelDecision {
  model: string;
  /** As the rule says it: 'current' or a version. */
  requested: string;
  rules: string[];
  /** 'not-registered': no worker offers it; ordered as soon as one does. */
  status: 'ordered' | 'not-registered';
  version: string | null;
  sha256: string | null;
  workitemUid: string | null;
}

/** What became of a destination that a rule asked for. */
export interface ForwardDecision {
  destination: string;
  rules: string[];
  /** 'ordered-before': the same instances; 'too-many-hops': suites that forward to each other end here. */
  status: 'ordered' | 'ordered-before' | 'too-many-hops';
  forwardId: string | null;
}

/** `study_routing.decision`: enough to say, long after, why a study went where it went. */
export interface Decision {
  /** The set of source instances this was decided on; null while the study is arriving. */
  inputDigest: string | null;
  /** What the study has without any model's word: the order's priority, raised by rules. */
  basePriority: { priority: Priority; reason: string };
  deadlineMinutes: number | null;
  rules: RuleVerdict[];
  models: ModelDecision[];
  /** undefined: decided before there was forwarding. */
  forwards?: ForwardDecision[];
}

/** What a study has before anything was decided. */
export const emptyDecision: Omit<Decision, 'basePriority'> = {
  inputDigest: null,
  deadlineMinutes: null,
  rules: [],
  models: [],
};

/** Whether a model that a rule asks for is not registered (yet). */
export function lacksModels({ models }: Decision): boolean {
  return models.some(({ status }) => status === 'not-registered');
}
