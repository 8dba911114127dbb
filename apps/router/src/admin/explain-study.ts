import { type DataSource, query } from '#libs/database';
import { getWorkitems, type Workitem } from '#libs/workitems';
import type { Completeness } from '../routing/completeness.js';
import type { ForwardDecision, ModelDecision } from '../routing/decision.js';
import type { RuleVerdict } from '../routing/evaluate-rules.js';
import { getStudyRouting, type RoutingState } from '../routing/routing-repository.js';
import { findWorklist } from '../worklist/find-worklist.js';
import type { WorklistItem } from '../worklist/worklist-item.js';

/** Why a study is where it is. */
export interface StudyExplanation {
  item: WorklistItem;
  routing: {
    state: RoutingState;
    completeness: Completeness | null;
    specialty: { value: string; reason: string } | null;
    /** Over the source instances the rules were asked about; null while the study arrives. */
    inputDigest: string | null;
    basePriority: { priority: string; reason: string } | null;
    rules: RuleVerdict[];
    models: ModelDecision[];
    forwards: ForwardDecision[];
    workitems: Omit<Workitem, 'dataset'>[];
  };
}

/** @returns undefined when the study is not there, or so new that it is not on the worklist yet */
export async function explainStudy(db: DataSource, studyInstanceUid: string): Promise<StudyExplanation | undefined> {
  const { items } = await findWorklist(db, { studyInstanceUid: [studyInstanceUid] }, { limit: 1 });
  const item = items[0];
  if (item === undefined) return undefined;
  const rows = await query<{ study_key: number; workitem_uid: string }>(
    db,
    `select study_key, workitem_uid from workitem join study using (study_key) where study_instance_uid = $1`,
    [studyInstanceUid],
  );
  const routing = rows[0] && (await getStudyRouting(db, rows[0].study_key));
  const workitems = await getWorkitems(
    db,
    rows.map((row) => row.workitem_uid),
  );
  return {
    item,
    routing: {
      state: routing?.state ?? 'receiving',
      completeness: routing?.completeness ?? null,
      specialty:
        routing?.specialty == null ? null : { value: routing.specialty, reason: routing.specialtyReason ?? '' },
      inputDigest: routing?.decision?.inputDigest ?? null,
      basePriority: routing?.decision?.basePriority ?? null,
      rules: routing?.decision?.rules ?? [],
      models: routing?.decision?.models ?? [],
      forwards: routing?.decision?.forwards ?? [],
      workitems: workitems.map(({ dataset: _dataset, ...workitem }) => workitem),
    },
  };
}
