import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { newUid } from '#libs/dicom';
import { DataSource, execute, notifyAll, query, transaction, type Transaction } from '#libs/database';
import { announceArrivals, JobQueue } from '#libs/jobs';
import { cancelWorkitem, createWorkitem, createWorkitems, type NewWorkitem, type Priority } from '#libs/workitems';
import { prioritiseStudy } from '../worklist/prioritise-study.js';
import { readingDeadline } from '../worklist/reading-deadline.js';
import { cancelSupersededForwards, createForward } from '../forwarding/forward-repository.js';
import { hopsMax } from '../forwarding/forward-study.job.js';
import { sendForward } from '../forwarding/send-forward.js';
import { sendInference } from '../workitems/send-inference.js';
import { basePriority } from './base-priority.js';
import { type Completeness, judgeCompleteness, type Notice, type QuietPeriod } from './completeness.js';
import { completenessFacts } from './completeness-facts.js';
import { type Decision, emptyDecision, type ForwardDecision, type ModelDecision } from './decision.js';
import { evaluateRules, type Evaluation } from './evaluate-rules.js';
import { nextOffPeak } from './off-peak.js';
import { readDigest, readFactsOfStudies, readInputInstances } from './read-study-facts.js';
import { type RegisteredModel, type ResolvedOrder, resolveModels } from './resolve-models.js';
import {
  confirmRouted,
  findListed,
  type FoundRouting,
  getStudyRoutings,
  lockRouting,
  saveFirstSpecialty,
  saveStudyRoutings,
} from './routing-repository.js';
import { type RuleBook, RuleBooks } from './rule-book.js';
import { readSeriesShapes } from './series-shape.js';
import { chooseSpecialty, type SpecialtyChoice } from './specialty.js';
import type { StudyFacts } from './study-facts.js';
import { type ExpectedCounts, readNotices, saveSenderNotice } from './study-notices.js';
import { aiTaskDataset, readingTaskDataset } from './workitem-dataset.js';

/** A task names its instances one by one up to so many (about 100 bytes each once compressed); beyond, its series. */
const listedInstancesMax = 20_000;

export type RouteOutcome = 'unknown-study' | 'waiting' | 'unchanged' | 'routed' | 'waiting-for-models';

/**
 * Takes a study as far as it can go now: onto the worklist at once, and to its models when it is complete. Safe to call at
 * any time and any number of times: what was decided on the same instances is not decided again.
 */
@Injectable()
export class RouteStudy {
  private readonly ruleBooks = new RuleBooks();

  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @param notice.isComplete somebody who knows says that nothing more will come, or how much there is in all */
  async route(
    studyInstanceUid: string,
    notice: { isComplete: boolean } & ExpectedCounts = { isComplete: false },
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
      if (notice.isComplete) await saveSenderNotice(tx, studyInstanceUid, notice);
      return (await this.look(tx, [studyKey])).get(studyKey) ?? 'unknown-study';
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
    await this.createReadings(tx, studies, []);
  }

  /**
   * Looks at many studies, listing those that are not, by a handful of statements; what is complete takes its own.
   * @param studyKeys under {@link lockRouting}
   * @returns what became of those that exist
   */
  async look(tx: Transaction, studyKeys: readonly number[]): Promise<Map<number, RouteOutcome>> {
    const book = await this.ruleBooks.read(tx);
    const studies = await readFactsOfStudies(tx, studyKeys);
    const before = await getStudyRoutings(tx, studyKeys);
    const listed = await findListed(tx, studyKeys);
    await this.createReadings(
      tx,
      studies.filter(({ studyKey }) => !listed.has(studyKey)),
      book.specialties,
    );
    const notices = await readNotices(
      tx,
      studies.map(({ studyInstanceUid }) => studyInstanceUid),
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
      const specialty = chooseSpecialty(study, book.specialties);
      const evaluation = evaluateRules(book.rules, study, book.mode);
      const completeness =
        decided !== null && was?.completeness != null
          ? was.completeness
          : await this.judge(tx, study, evaluation, notices.get(studyInstanceUid) ?? []);
      const found = { studyKey, secondsSinceLastReceived: study.secondsSinceLastReceived, completeness, specialty };
      if (listed.has(studyKey) && was?.specialty !== specialty.specialty) await labelReading(tx, studyKey, specialty);
      if (completeness.isComplete) {
        const hasDecided = was?.routedInput != null;
        outcomes.set(studyKey, await this.decide(tx, study, found, { book, evaluation, hasDecided }));
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

  private async judge(
    tx: Transaction,
    study: StudyFacts,
    evaluation: Evaluation,
    notices: Notice[],
  ): Promise<Completeness> {
    const quietPeriod: QuietPeriod = evaluation.quietPeriod ?? { seconds: this.config.quietPeriodSeconds };
    const judged = judgeCompleteness(completenessFacts(study, notices, new Map()), quietPeriod);
    // What is in the instances is looked at only where it can change the judgement, for it means reading all of them.
    const hasSlides = study.series.some(({ isSource, modality }) => isSource && modality === 'SM');
    const isSettled = judged.evidence.some(({ kind, isMet }) => kind !== 'quiet-period' && isMet && judged.isComplete);
    if (isSettled || !(judged.isComplete || hasSlides)) return judged;
    return judgeCompleteness(completenessFacts(study, notices, await readSeriesShapes(tx, study)), quietPeriod);
  }

  private async createReadings(
    tx: Transaction,
    studies: readonly StudyFacts[],
    departments: RuleBook['specialties'],
  ): Promise<void> {
    const readings: NewWorkitem[] = [];
    for (const study of studies) {
      const { priority, reason } = basePriority(study);
      const { specialty } = chooseSpecialty(study, departments);
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

  /** A complete study: which models look at it, where it is sent, and how urgent it is. */
  private async decide(
    tx: Transaction,
    study: StudyFacts,
    found: Omit<FoundRouting, 'state' | 'decision' | 'routedInput'>,
    { book, evaluation, hasDecided }: { book: RuleBook; evaluation: Evaluation; hasDecided: boolean },
  ): Promise<RouteOutcome> {
    const base = basePriority(study, evaluation.priority);
    const orders = resolveModels(evaluation.orders, book.models);
    const offPeak = nextOffPeak(new Date(), book.offPeak);
    const ordering = { tx, study, base: base.priority, offPeak, digests: new Map<string, Promise<string>>() };
    if (hasDecided) await this.supersede(ordering, orders);
    const models: ModelDecision[] = [];
    for (const order of orders) models.push(await this.order(ordering, order));
    const forwards = await this.forward(ordering, evaluation.forwards, hasDecided);
    const decision: Decision = {
      inputDigest: study.inputDigest,
      basePriority: base,
      deadlineMinutes: evaluation.deadlineMinutes ?? null,
      rules: evaluation.verdicts,
      models,
      forwards,
    };
    const state = lacksModels(decision) ? 'complete' : 'routed';
    await saveStudyRoutings(tx, [{ ...found, state, decision, routedInput: study.inputDigest }]);
    await prioritiseStudy(tx, study.studyKey);
    return state === 'complete' ? 'waiting-for-models' : 'routed';
  }

  /**
   * What waits to be done on an older set of instances is not worth doing, and what failed on one says nothing of the
   * present one; what runs or ran already stays, and so does what late instances did not touch.
   */
  private async supersede(ordering: Ordering, orders: readonly ResolvedOrder[]): Promise<void> {
    const { tx, study } = ordering;
    const kept: string[] = [];
    for (const { order, model } of orders) {
      if (model !== undefined) kept.push(`${model.modelId} ${model.sha256} ${await digestOf(ordering, order)}`);
    }
    const rows = await query<{ workitem_uid: string; state: string }>(
      tx,
      `select workitem_uid, state from workitem
        where study_key = $1 and kind = 'ai' and state in ('SCHEDULED', 'CANCELED') and not is_superseded
          and model_id || ' ' || model_sha256 || ' ' || input_digest <> all($2)
          for update skip locked`,
      [study.studyKey, kept],
    );
    if (rows.length === 0) return;
    for (const { workitem_uid: uid, state } of rows) {
      if (state === 'CANCELED') continue;
      await cancelWorkitem(tx, uid, undefined, 'More instances arrived; a new task covers them all.');
    }
    await execute(tx, 'update workitem set is_superseded = true where workitem_uid = any($1)', [
      rows.map((row) => row.workitem_uid),
    ]);
  }

  private async order(ordering: Ordering, { order, model }: ResolvedOrder): Promise<ModelDecision> {
    const { tx, study, base, offPeak } = ordering;
    const asked = { model: order.model, requested: order.version, rules: order.rules };
    if (model === undefined) {
      return { ...asked, status: 'not-registered', version: null, sha256: null, workitemUid: null };
    }
    const priority = order.priority ?? base;
    const inputDigest = await digestOf(ordering, order);
    const scheduledStart = order.schedule === 'off-peak' && priority !== 'HIGH' ? offPeak : null;
    const instances = await readInputInstances(tx, study, order.seriesInstanceUids, listedInstancesMax);
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
      inputDigest,
      scheduledStart,
      dataset: aiTaskDataset(study, model, { seriesInstanceUids: order.seriesInstanceUids, instances, scheduledStart }),
    });
    if (isNew) await sendInference(this.jobs, tx, uid, priority, scheduledStart);
    const workitemUid = isNew ? uid : await aiWorkitemUid(tx, study, model, inputDigest);
    return { ...asked, status: 'ordered', version: model.version, sha256: model.sha256, workitemUid };
  }

  private async forward(
    ordering: Ordering,
    orders: Evaluation['forwards'],
    hasDecided: boolean,
  ): Promise<ForwardDecision[]> {
    const { tx, study, base, offPeak } = ordering;
    if (hasDecided) {
      const digests = await Promise.all(orders.map((order) => digestOf(ordering, order)));
      await cancelSupersededForwards(tx, study.studyInstanceUid, digests);
    }
    if (orders.length === 0) return [];
    const hops = await hopsOf(tx, study.studyInstanceUid);
    const decisions: ForwardDecision[] = [];
    for (const order of orders) {
      const asked = { destination: order.destination, rules: order.rules };
      if (hops >= hopsMax) {
        decisions.push({ ...asked, status: 'too-many-hops', forwardId: null });
        continue;
      }
      const scheduledStart = order.schedule === 'off-peak' && base !== 'HIGH' ? offPeak : null;
      const { studyInstanceUid } = study;
      const { destination, seriesInstanceUids, rules } = order;
      const inputDigest = await digestOf(ordering, order);
      const forwardId = await createForward(tx, {
        studyInstanceUid,
        destination,
        inputDigest,
        seriesInstanceUids,
        rules,
        hops,
        scheduledStart,
      });
      if (forwardId !== undefined) await sendForward(this.jobs, tx, forwardId, scheduledStart);
      const status = forwardId === undefined ? 'ordered-before' : 'ordered';
      decisions.push({ ...asked, status, forwardId: forwardId ?? null });
    }
    return decisions;
  }
}

/** What is common to all that is ordered of a study. */
interface Ordering {
  tx: Transaction;
  study: StudyFacts;
  /** The study's priority. */
  base: Priority;
  /** When what can wait is done; null: now. */
  offPeak: Date | null;
  digests: Map<string, Promise<string>>;
}

/** Over the instances an order is about: late ones in other series do not change it. */
function digestOf(
  { tx, study, digests }: Ordering,
  { seriesInstanceUids }: { seriesInstanceUids: string[] },
): Promise<string> {
  const sources = study.series.filter(({ isSource }) => isSource);
  if (sources.length === seriesInstanceUids.length) return Promise.resolve(study.inputDigest);
  const key = [...seriesInstanceUids].sort().join();
  const digest = digests.get(key) ?? readDigest(tx, study.studyKey, seriesInstanceUids);
  digests.set(key, digest);
  return digest;
}

/** How many suites have forwarded the study before it came here. */
async function hopsOf(tx: Transaction, studyInstanceUid: string): Promise<number> {
  const [row] = await query<{ hops: number }>(tx, 'select hops from forwarded_study where study_instance_uid = $1', [
    studyInstanceUid,
  ]);
  return row?.hops ?? 0;
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

async function aiWorkitemUid(
  tx: Transaction,
  study: StudyFacts,
  { modelId, sha256 }: RegisteredModel,
  inputDigest: string,
): Promise<string> {
  const [row] = await query<{ workitem_uid: string }>(
    tx,
    `select workitem_uid from workitem
      where kind = 'ai' and study_key = $1 and model_id = $2 and model_sha256 = $3 and input_digest = $4`,
    [study.studyKey, modelId, sha256, inputDigest],
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
