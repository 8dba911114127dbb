import { type DataSource, transaction } from '#libs/database';
import { evaluateRules, type RuleVerdict } from '../routing/evaluate-rules.js';
import { type SeriesTrace, traceStudy } from '../routing/match-study.js';
import { parseRule } from '../routing/parse-rule.js';
import { readStudyFacts } from '../routing/read-study-facts.js';
import { getStudyRouting, readMatchMode, readRules, type StudyRouting } from '../routing/routing-repository.js';
import type { RuleGives } from '../routing/rule.js';
import { readSiteSpecialties } from '../routing/site-specialties.js';
import { chooseSpecialty, type SpecialtyChoice } from '../routing/specialty.js';

export interface RuleExplanation {
  studyInstanceUid: string;
  /** On what evidence it was taken for complete, and what was decided then. */
  decided: Pick<StudyRouting, 'state' | 'completeness' | 'specialty' | 'specialtyReason' | 'decision'> | null;
  /** As it would be decided now, on what is here now. */
  now: {
    specialty: SpecialtyChoice;
    rules: (RuleVerdict & {
      /** What it gives where it matches; null: it cannot be used. */
      gives: RuleGives | null;
      /** Each condition, series by series. */
      series: SeriesTrace[];
    })[];
    /** Whether these rules are those of the decision, version by version. */
    areRulesOfDecision: boolean;
  };
}

/** Series shown with all their conditions. */
const tracedSeriesMax = 10;

/** @returns undefined when there is no such study */
export function explainRules(dataSource: DataSource, studyInstanceUid: string): Promise<RuleExplanation | undefined> {
  return transaction(dataSource, async (tx) => {
    const study = await readStudyFacts(tx, studyInstanceUid);
    if (study === undefined) return undefined;
    const routing = await getStudyRouting(tx, study.studyKey);
    const rules = await readRules(tx);
    const { verdicts } = evaluateRules(rules, study, await readMatchMode(tx));
    const versions = (list: readonly { ruleId: string; version: number }[]) =>
      list.map(({ ruleId, version }) => `${ruleId} ${version}`).join();
    return {
      studyInstanceUid,
      decided:
        routing === undefined
          ? null
          : {
              state: routing.state,
              completeness: routing.completeness,
              specialty: routing.specialty,
              specialtyReason: routing.specialtyReason,
              decision: routing.decision,
            },
      now: {
        specialty: chooseSpecialty(study, await readSiteSpecialties(tx)),
        rules: verdicts.map((verdict) => {
          const rule = rules.find(({ ruleId }) => ruleId === verdict.ruleId);
          const { definition } = parseRule(rule?.definition);
          return {
            ...verdict,
            gives: definition?.gives ?? null,
            series:
              definition === undefined ? [] : traceStudy(definition.when, definition.level, study, tracedSeriesMax),
          };
        }),
        areRulesOfDecision: versions(verdicts) === versions(routing?.decision?.rules ?? []),
      },
    };
  });
}
