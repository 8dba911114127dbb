import type { Priority } from '#libs/workitems';

/** What the archive counts, beside the attributes in the data. */
export const derivedKeywords = [
  'ModalitiesInStudy',
  'SOPClassesInStudy',
  'SOPClassUID',
  'NumberOfStudyRelatedSeries',
  'NumberOfStudyRelatedInstances',
  'NumberOfSeriesRelatedInstances',
  'NumberOfFrames',
] as const;

export type ConditionValue = string | number;

/** What one attribute must be. */
export interface Condition {
  /** A DICOM keyword or tag, or a path into sequences: `RequestAttributesSequence.RequestedProcedureID`. */
  keyword: string;
  /** One value or several of which one is enough, matched as QIDO-RS does by the attribute's VR (see matchesValue). */
  is?: ConditionValue | ConditionValue[] | undefined;
  atLeast?: ConditionValue | undefined;
  atMost?: ConditionValue | undefined;
  /** true: present with any value; false: absent or empty. */
  exists?: boolean | undefined;
  /** Of a sequence: one of its items must fulfil all of this (PS3.4 C.2.2.2.6). */
  item?: Matcher | undefined;
}

export type Matcher = Condition | { all: Matcher[] } | { any: Matcher[] } | { not: Matcher };

export type MatchLevel = 'series' | 'study';

/** What a matching rule gives its study. */
export interface RuleGives {
  /** `version`: 'current' or a version. */
  models: { model: string; version: string }[];
  /** Names of destinations that get the instances. */
  forward: string[];
  /** Raises the study and its tasks to at least this. */
  priority?: Priority | undefined;
  /** The reading is due so long after arrival, if its priority asks for nothing sooner. */
  deadlineMinutes?: number | undefined;
  /** 'off-peak': what it orders waits for the hours of the setting, unless the study is urgent. */
  schedule: 'now' | 'off-peak';
  /** Rules after this one are not asked. */
  isLast: boolean;
}

/** `definition` of a row in routing_rule, as {@link parseRule} reads it. */
export interface RuleDefinition {
  description?: string | undefined;
  /**
   * 'series': one series of the study must fulfil the whole condition (its own attributes, else the study's).
   * 'study': each condition is asked of all values the study and its series have.
   */
  level: MatchLevel;
  when: Matcher;
  /** How long nothing must have come before a study that matches is complete, where nothing better tells. */
  quietPeriodSeconds?: number | undefined;
  gives: RuleGives;
}

/** A rule as its row says it; the definition is read when it is used, so that one bad rule spoils only itself. */
export interface RoutingRule {
  ruleId: string;
  version: number;
  position: number;
  name: string;
  isEnabled: boolean;
  definition: unknown;
}
