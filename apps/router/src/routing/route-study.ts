import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { newUid } from '#libs/dicom';
import { DataSource, execute, notifyAll, query, transaction, type Transaction } from '#libs/database';
import { announceArrivals, JobQueue } from '#libs/jobs';
import { cancelWorkitem, createWorkitem, createWorkitems, type NewWorkitem, type Priority } from '#libs/workitems';
import { prioritiseStudy } from '../worklist/prioritise-study.js';
import { readingDeadline } from '../worklist/reading-deadline.js';
import { sendInference } from '../workitems/send-inference.js';
import { basePriority } from './base-priority.js';
import { judgeCompleteness } from './completeness.js';
import { completenessFacts } from './completeness-facts.js';
import { type Decision, emptyDecision, type ModelDecision } from './decision.js';
import { evaluateRules } from './evaluate-rules.js';
import { readFactsOfStudies, readInputInstances } from './read-study-facts.js';
import { type ResolvedOrder, resolveModels } from './resolve-models.js';
import {
  confirmRouted,
  findListed,
  type FoundRouting,
  getStudyRoutings,
  lockRouting,
  readMatchMode,
  readModels,
  readRules,
  saveFirstSpecialty,
  saveStudyRoutings,
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
    const studyKey = await transaction(this.dataSource, async (tx) => {
      const key = await studyKeyOf(tx, studyInstanceUid);
      if (key !== undefined) await this.list(tx, [key]);
      return key;
    });
    if (studyKey === undefined) return 'unknown-study';
    return transaction(this.dataSource, async (tx) => {
      await lockRouting(tx, studyKey);
      return (await this.look(tx, [studyKey], notice.isComplete)).get(studyKey) ?? 'unknown-study';
    });
  }

  /** Makes the reading tasks of those that have none. */
  async list(tx: Transaction, studyKeys: readonly number[]): Promise<void> {
    const listed = await findListed(tx, studyKeys);
    const studies = await readFactsOfStudies(
      tx,
      studyKeys.filter((key) => !listed.has(key)),
    );
    for (const study of studies) await saveFirstSpecialty(tx, study.studyKey, chooseSpecialty(study));
    await this.createReadings(tx, studies);
  }

  /**
   * Looks at many studies, listing those that are not, by a handful of statements; what is complete takes its own.
   * @param studyKeys under {@link lockRouting}
   * @returns what became of those that exist
   */
  async look(tx: Transaction, studyKeys: readonly number[], hasNotice = false): Promise<Map<number, RouteOutcome>> {
    const studies = await readFactsOfStudies(tx, studyKeys);
    const before = await getStudyRoutings(tx, studyKeys);
    const listed = await findListed(tx, studyKeys);
    await this.createReadings(
      tx,
      studies.filter(({ studyKey }) => !listed.has(studyKey)),
    );
    // Counts on the worklist may have changed, and a report of ours may have arrived, whatever is decided below.
    await notifyAll(
      tx,
      'worklist',
      studies.map(({ studyInstanceUid }) => studyInstanceUid),
    );

    const outcomes = new Map<number, RouteOutcome>();
    const waiting: { found: FoundRouting; again: { studyInstanceUid: string; afterSeconds: number } }[] = [];
    for (const study of studies) {
      const { studyKey, studyInstanceUid } = study;
      const was = before.get(studyKey);
      const decided = was?.routedInput === study.inputDigest ? was.decision : null;
      if (decided !== null && !lacksModels(decided)) {
        outcomes.set(studyKey, 'unchanged');
        continue;
      }
      const specialty = chooseSpecialty(study);
      const completeness =
        decided !== null && was?.completeness != null
          ? was.completeness
          : judgeCompleteness(completenessFacts(study, hasNotice), this.config.quietPeriodSeconds);
      const found = { studyKey, secondsSinceLastReceived: study.secondsSinceLastReceived, completeness, specialty };
      if (listed.has(studyKey) && was?.specialty !== specialty.specialty) await labelReading(tx, studyKey, specialty);
      if (completeness.isComplete) {
        outcomes.set(studyKey, await this.decide(tx, study, found));
        continue;
      }
      const decision = was?.decision ?? { ...emptyDecision, basePriority: basePriority(study) };
      waiting.push({
        found: { ...found, state: 'receiving', decision, routedInput: null },
        again: { studyInstanceUid, afterSeconds: completeness.checkAgainAfterSeconds },
      });
      outcomes.set(studyKey, 'waiting');
    }
    await confirmRouted(
      tx,
      [...outcomes].filter(([, outcome]) => outcome === 'unchanged').map(([key]) => key),
    );
    await saveStudyRoutings(
      tx,
      waiting.map(({ found }) => found),
    );
    for (const [afterSeconds, studiesThen] of Map.groupBy(waiting, ({ again }) => again.afterSeconds)) {
      await announceArrivals(
        tx,
        studiesThen.map(({ again }) => again.studyInstanceUid),
        afterSeconds,
      );
    }
    return outcomes;
  }

  private async createReadings(tx: Transaction, studies: readonly StudyFacts[]): Promise<void> {
    const readings: NewWorkitem[] = [];
    for (const study of studies) {
      const { priority, reason } = basePriority(study);
      const { specialty } = chooseSpecialty(study);
      readings.push({
        uid: newUid(),
        kind: 'reading',
        studyKey: study.studyKey,
        priority,
        priorityReason: reason,
        deadline: await readingDeadline(tx, { arrivedAt: study.arrivedAt, specialty, priority, ruleMinutes: null }),
        dataset: readingTaskDataset(study, specialty),
      });
    }
    await createWorkitems(tx, readings);
  }

  /** A complete study: which models look at it, and how urgent it is. */
  private async decide(
    tx: Transaction,
    study: StudyFacts,
    found: Omit<FoundRouting, 'state' | 'decision' | 'routedInput'>,
  ): Promise<RouteOutcome> {
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
    await saveStudyRoutings(tx, [{ ...found, state, decision, routedInput: study.inputDigest }]);
    await prioritiseStudy(tx, study.studyKey);
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
