import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { newUid } from '#libs/dicom';
import { DataSource, execute, notify, query, transaction, type Transaction } from '#libs/database';
import { JobQueue } from '#libs/jobs';
import { cancelWorkitem, createWorkitem, type Priority } from '#libs/workitems';
import { readingDeadline } from '../worklist/deadlines.js';
import { prioritiseStudy } from '../worklist/prioritise-study.js';
import { sendInference } from '../workitems/send-inference.js';
import { basePriority } from './base-priority.js';
import { judgeCompleteness } from './completeness.js';
import { completenessFacts } from './completeness-facts.js';
import { type Decision, emptyDecision, type ModelDecision } from './decision.js';
import { evaluateRules } from './evaluate-rules.js';
import { readInputInstances, readStudyFacts } from './read-study-facts.js';
import { type ResolvedOrder, resolveModels } from './resolve-models.js';
import {
  confirmRouted,
  getStudyRouting,
  lockRouting,
  readMatchMode,
  readModels,
  readRules,
  saveFirstSpecialty,
  saveStudyRouting,
} from './routing-repository.js';
import { chooseSpecialty, type SpecialtyChoice } from './specialty.js';
import type { StudyFacts } from './study-facts.js';
import { aiTaskDataset, type InputInstance, readingTaskDataset } from './workitem-dataset.js';

/** A task names its instances one by one up to so many (about 100 bytes each once compressed); beyond, its series. */
const listedInstancesMax = 20_000;

export type RouteOutcome = 'unknown-study' | 'waiting' | 'unchanged' | 'routed' | 'waiting-for-models';

/**
 * Takes a study as far as it can go now: onto the worklist at once, and to its models when it is complete. Safe to call at
 * any time and any number of times: what was decided on the same instances is not decided again.
 */
@Injectable()
export class RouteStudy {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @param notice.isComplete somebody who knows says that nothing more will come */
  async route(
    studyInstanceUid: string,
    notice: { isComplete: boolean } = { isComplete: false },
  ): Promise<RouteOutcome> {
    // The worklist first and by itself: whatever is wrong with rules or models must not keep a study from its reader.
    const isKnown = await transaction(this.dataSource, (tx) => this.list(tx, studyInstanceUid));
    if (!isKnown) return 'unknown-study';
    return transaction(this.dataSource, (tx) => this.decide(tx, studyInstanceUid, notice.isComplete));
  }

  /** Makes the reading task if the study has none. */
  private async list(tx: Transaction, studyInstanceUid: string): Promise<boolean> {
    const [study] = await query<{ is_listed: boolean }>(
      tx,
      `select exists (select 1 from workitem w where w.study_key = s.study_key and w.kind = 'reading') as is_listed
         from study s where s.study_instance_uid = $1`,
      [studyInstanceUid],
    );
    if (study === undefined) return false;
    if (study.is_listed) return true;
    const facts = await readStudyFacts(tx, studyInstanceUid);
    if (facts === undefined) return false;
    const { priority, reason } = basePriority(facts);
    const specialty = chooseSpecialty(facts);
    await saveFirstSpecialty(tx, facts.studyKey, specialty);
    await createWorkitem(tx, {
      uid: newUid(),
      kind: 'reading',
      studyKey: facts.studyKey,
      priority,
      priorityReason: reason,
      deadline: readingDeadline(facts.arrivedAt, priority, null),
      dataset: readingTaskDataset(facts, specialty.specialty),
    });
    return true;
  }

  private async decide(tx: Transaction, studyInstanceUid: string, hasNotice: boolean): Promise<RouteOutcome> {
    const key = await studyKeyOf(tx, studyInstanceUid);
    if (key === undefined) return 'unknown-study';
    await lockRouting(tx, key);
    const before = await getStudyRouting(tx, key);
    const study = await readStudyFacts(tx, studyInstanceUid);
    if (study === undefined) return 'unknown-study';
    // Counts on the worklist may have changed, and a report of ours may have arrived, whatever is decided below.
    await notify(tx, 'worklist', studyInstanceUid);

    const decided = before?.routedInput === study.inputDigest ? before.decision : null;
    if (decided !== null && !lacksModels(decided)) {
      await confirmRouted(tx, key);
      return 'unchanged';
    }
    const specialty = chooseSpecialty(study);
    const completeness =
      decided !== null && before?.completeness != null
        ? before.completeness
        : judgeCompleteness(completenessFacts(study, hasNotice), this.config.quietPeriodSeconds);
    const found = { secondsSinceLastReceived: study.secondsSinceLastReceived, completeness, specialty };
    await labelReading(tx, key, specialty);

    if (!completeness.isComplete) {
      const decision = before?.decision ?? { ...emptyDecision, basePriority: basePriority(study) };
      await saveStudyRouting(tx, key, { ...found, state: 'receiving', decision, routedInput: null });
      await this.jobs.send(
        tx,
        'study-arrived',
        { studyInstanceUid },
        { startAfterSeconds: completeness.checkAgainAfterSeconds },
      );
      return 'waiting';
    }

    const evaluation = evaluateRules(await readRules(tx), study, await readMatchMode(tx));
    const base = basePriority(study, evaluation.priority);
    const orders = resolveModels(evaluation.orders, await readModels(tx));
    await this.cancelSuperseded(tx, study);
    const models = await this.order(tx, study, orders, base.priority);
    const decision: Decision = {
      inputDigest: study.inputDigest,
      basePriority: base,
      deadlineMinutes: evaluation.deadlineMinutes ?? null,
      rules: evaluation.verdicts,
      models,
    };
    const state = lacksModels(decision) ? 'complete' : 'routed';
    await saveStudyRouting(tx, key, { ...found, state, decision, routedInput: study.inputDigest });
    await prioritiseStudy(tx, key);
    return state === 'complete' ? 'waiting-for-models' : 'routed';
  }

  /** What waits to be done on an older set of instances is not worth doing; what runs or ran already stays. */
  private async cancelSuperseded(tx: Transaction, study: StudyFacts): Promise<void> {
    const rows = await query<{ workitem_uid: string }>(
      tx,
      `select workitem_uid from workitem
        where study_key = $1 and kind = 'ai' and state = 'SCHEDULED' and input_digest <> $2
          for update skip locked`,
      [study.studyKey, study.inputDigest],
    );
    for (const { workitem_uid: uid } of rows) {
      await cancelWorkitem(tx, uid, undefined, 'More instances arrived; a new task covers them all.');
    }
  }

  private async order(
    tx: Transaction,
    study: StudyFacts,
    orders: readonly ResolvedOrder[],
    base: Priority,
  ): Promise<ModelDecision[]> {
    const needsInstances = orders.some(({ model }) => model !== undefined);
    const instances = needsInstances ? await readInputInstances(tx, study, listedInstancesMax) : undefined;
    const decisions: ModelDecision[] = [];
    for (const resolved of orders) decisions.push(await this.orderOne(tx, study, resolved, base, instances));
    return decisions;
  }

  private async orderOne(
    tx: Transaction,
    study: StudyFacts,
    { order, model }: ResolvedOrder,
    base: Priority,
    instances: InputInstance[] | undefined,
  ): Promise<ModelDecision> {
    const asked = { model: order.model, requested: order.version, rules: order.rules };
    if (model === undefined) {
      return { ...asked, status: 'not-registered', version: null, sha256: null, workitemUid: null };
    }
    const priority = order.priority ?? base;
    const uid = newUid();
    const isNew = await createWorkitem(tx, {
      uid,
      kind: 'ai',
      studyKey: study.studyKey,
      priority,
      priorityReason:
        order.priority === undefined ? 'As urgent as its study.' : `By the rule ${order.rules.join(', ')}.`,
      deadline: null,
      modelId: model.modelId,
      modelVersion: model.version,
      modelSha256: model.sha256,
      inputDigest: study.inputDigest,
      dataset: aiTaskDataset(study, model, instances),
    });
    if (isNew) await sendInference(this.jobs, tx, uid, priority);
    const workitemUid = isNew ? uid : await aiWorkitemUid(tx, study, model.modelId, model.sha256);
    return { ...asked, status: 'ordered', version: model.version, sha256: model.sha256, workitemUid };
  }
}

function lacksModels({ models }: Decision): boolean {
  return models.some(({ status }) => status === 'not-registered');
}

async function studyKeyOf(tx: Transaction, studyInstanceUid: string): Promise<number | undefined> {
  const rows = await query<{ study_key: number }>(tx, 'select study_key from study where study_instance_uid = $1', [
    studyInstanceUid,
  ]);
  return rows[0]?.study_key;
}

async function aiWorkitemUid(tx: Transaction, study: StudyFacts, modelId: string, sha256: string): Promise<string> {
  const [row] = await query<{ workitem_uid: string }>(
    tx,
    `select workitem_uid from workitem
      where kind = 'ai' and study_key = $1 and model_id = $2 and model_sha256 = $3 and input_digest = $4`,
    [study.studyKey, modelId, sha256, study.inputDigest],
  );
  if (row === undefined) throw new Error(`The task of ${modelId} was refused as a duplicate, but there is no other`);
  return row.workitem_uid;
}

/** Series that come later may make a study another department's: the open reading task moves to its list. */
async function labelReading(tx: Transaction, studyKey: number, { specialty }: SpecialtyChoice): Promise<void> {
  await execute(
    tx,
    `update workitem
        set dataset = jsonb_set(dataset, '{00741202}', $2::jsonb), updated_at = now()
      where study_key = $1 and kind = 'reading' and state in ('SCHEDULED', 'IN PROGRESS')
        and dataset -> '00741202' is distinct from $2::jsonb`,
    [studyKey, JSON.stringify({ vr: 'LO', Value: [specialty] })],
  );
}
