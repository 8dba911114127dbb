import { newUid } from '#libs/dicom';
import { execute, query, type Transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import { type AiNewWorkitem, cancelWorkitem, createWorkitems, type Priority } from '#libs/workitems';
import { cancelSupersededForwards, createForward } from '../forwarding/forward-repository.js';
import { hopsMax } from '../forwarding/forward-study.job.js';
import { sendForward } from '../forwarding/send-forward.js';
import { prioritiseStudy } from '../worklist/prioritise-study.js';
import { sendInferences } from '../workitems/send-inference.js';
import { basePriority } from './base-priority.js';
import { type Decision, type ForwardDecision, lacksModels, type ModelDecision } from './decision.js';
import type { Evaluation } from './evaluate-rules.js';
import { nextOffPeak } from './off-peak.js';
import { readDigest, readInputInstances } from './read-study-facts.js';
import { type ResolvedOrder, resolveModels } from './resolve-models.js';
import { type FoundRouting, type RoutingState, saveStudyRoutings } from './routing-repository.js';
import type { RuleBook } from './rule-book.js';
import type { StudyFacts } from './study-facts.js';
import { aiTaskDataset, type InputInstance } from './workitem-dataset.js';

/** A task names its instances one by one up to so many (about 100 bytes each once compressed); beyond, its series. */
const listedInstancesMax = 20_000;

/** A study that is complete, and what rules say of it. */
export interface CompleteStudy {
  study: StudyFacts;
  found: Omit<FoundRouting, 'state' | 'decision' | 'routedInput'>;
  evaluation: Evaluation;
  /** Whether it was decided on before, on fewer instances or models. */
  hasDecided: boolean;
  /** Whether its reading was made in this transaction, with the priority that its order gives. */
  isNew: boolean;
}

/** Gives complete studies to the models, destinations and priorities that rules say. */
export class OrderTasks {
  constructor(private readonly jobs: JobQueue) {}

  /**
   * Many studies by a handful of statements.
   * @returns how far each has come, by its key
   */
  async decide(
    tx: Transaction,
    complete: readonly CompleteStudy[],
    book: RuleBook,
  ): Promise<Map<number, Exclude<RoutingState, 'receiving'>>> {
    const outcomes = new Map<number, Exclude<RoutingState, 'receiving'>>();
    const offPeak = nextOffPeak(new Date(), book.offPeak);
    for (const some of inPortions(complete)) {
      const orderings = some.map((one) => orderingOf(tx, one, book, offPeak));
      for (const ordering of orderings) if (ordering.hasDecided) await supersede(ordering);
      const models = await this.order(tx, orderings);
      const found: FoundRouting[] = [];
      for (const ordering of orderings) {
        const { study, base, evaluation } = ordering;
        const decision: Decision = {
          inputDigest: study.inputDigest,
          basePriority: base,
          deadlineMinutes: evaluation.deadlineMinutes ?? null,
          rules: evaluation.verdicts,
          models: models.get(study.studyKey) ?? [],
          forwards: await this.forward(ordering),
        };
        const state = lacksModels(decision) ? 'complete' : 'routed';
        found.push({ ...ordering.found, state, decision, routedInput: study.inputDigest });
        outcomes.set(study.studyKey, state);
      }
      await saveStudyRoutings(tx, found);
      for (const { study, isNew, evaluation } of orderings) {
        // A reading that has just been made is as urgent and due as its order says, unless a rule says more.
        const isSettled = isNew && evaluation.priority === undefined && evaluation.deadlineMinutes === undefined;
        if (!isSettled) await prioritiseStudy(tx, study.studyKey);
      }
    }
    return outcomes;
  }

  private async order(tx: Transaction, orderings: readonly Ordering[]): Promise<Map<number, ModelDecision[]>> {
    const instances = await readInputInstances(tx, orderings.flatMap(listedSeries));
    const tasks: (Task & { order: ResolvedOrder['order'] })[] = [];
    for (const ordering of orderings) {
      const ofStudy = instances.get(ordering.study.studyKey);
      for (const { order, model } of ordering.orders) {
        if (model === undefined) tasks.push({ ordering, order, workitem: undefined });
        else tasks.push({ ordering, order, workitem: await newTask(ordering, { order, model }, ofStudy) });
      }
    }
    const workitems = tasks.flatMap(({ workitem }) => workitem ?? []);
    const created = await createWorkitems(tx, workitems);
    await sendInferences(
      this.jobs,
      tx,
      workitems
        .filter(({ uid }) => created.has(uid))
        .map(({ uid, priority, scheduledStart }) => ({
          workitemUid: uid,
          priority,
          scheduledStart: scheduledStart ?? null,
        })),
    );
    const decisions = new Map<number, ModelDecision[]>();
    for (const { ordering, order, workitem } of tasks) {
      const ofStudy = decisions.get(ordering.study.studyKey) ?? [];
      decisions.set(ordering.study.studyKey, ofStudy);
      const asked = { model: order.model, requested: order.version, rules: order.rules };
      if (workitem === undefined) {
        ofStudy.push({ ...asked, status: 'not-registered', version: null, sha256: null, workitemUid: null });
        continue;
      }
      const workitemUid = created.has(workitem.uid) ? workitem.uid : await existingTask(tx, workitem);
      const { modelVersion: version, modelSha256: sha256 } = workitem;
      ofStudy.push({ ...asked, status: 'ordered', version, sha256, workitemUid });
    }
    return decisions;
  }

  private async forward(ordering: Ordering): Promise<ForwardDecision[]> {
    const { tx, study, base, offPeak, hasDecided } = ordering;
    const { studyInstanceUid } = study;
    const orders = ordering.evaluation.forwards;
    if (hasDecided) {
      const digests = await Promise.all(orders.map((order) => digestOf(ordering, order)));
      await cancelSupersededForwards(tx, studyInstanceUid, digests);
    }
    if (orders.length === 0) return [];
    const hops = await hopsOf(tx, studyInstanceUid);
    const decisions: ForwardDecision[] = [];
    for (const order of orders) {
      const { destination, seriesInstanceUids, rules } = order;
      if (hops >= hopsMax) {
        decisions.push({ destination, rules, status: 'too-many-hops', forwardId: null });
        continue;
      }
      const scheduledStart = order.schedule === 'off-peak' && base.priority !== 'HIGH' ? offPeak : null;
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
      decisions.push({ destination, rules, status, forwardId: forwardId ?? null });
    }
    return decisions;
  }
}

interface Ordering extends CompleteStudy {
  tx: Transaction;
  orders: ResolvedOrder[];
  /** The study's priority. */
  base: Decision['basePriority'];
  /** When what can wait is done; null: now. */
  offPeak: Date | null;
  digests: Map<string, Promise<string>>;
}

interface Task {
  ordering: Ordering;
  /** undefined: no worker offers the model. */
  workitem: AiNewWorkitem | undefined;
}

function orderingOf(tx: Transaction, complete: CompleteStudy, book: RuleBook, offPeak: Date | null): Ordering {
  const { study, evaluation } = complete;
  return {
    ...complete,
    tx,
    orders: resolveModels(evaluation.orders, book.models),
    base: basePriority(study, evaluation.priority),
    offPeak,
    digests: new Map(),
  };
}

/** So many studies that all their instances can be held at once. */
function* inPortions(complete: readonly CompleteStudy[]): Iterable<CompleteStudy[]> {
  let portion: CompleteStudy[] = [];
  let instances = 0;
  for (const one of complete) {
    const more = one.study.series.reduce((sum, series) => sum + series.numberOfInstances, 0);
    if (portion.length > 0 && instances + more > listedInstancesMax) {
      yield portion;
      portion = [];
      instances = 0;
    }
    portion.push(one);
    instances += more;
  }
  if (portion.length > 0) yield portion;
}

/** The series whose instances tasks of a study name; none where they are too many. */
function listedSeries({ study, orders }: Ordering): { studyKey: number; seriesInstanceUid: string }[] {
  const asked = new Set(orders.flatMap(({ order, model }) => (model === undefined ? [] : order.seriesInstanceUids)));
  const series = study.series.filter(({ seriesInstanceUid }) => asked.has(seriesInstanceUid));
  const instances = series.reduce((sum, one) => sum + one.numberOfInstances, 0);
  if (instances > listedInstancesMax) return [];
  return series.map(({ seriesInstanceUid }) => ({ studyKey: study.studyKey, seriesInstanceUid }));
}

async function newTask(
  ordering: Ordering,
  { order, model }: { order: ResolvedOrder['order']; model: NonNullable<ResolvedOrder['model']> },
  instances: InputInstance[] | undefined,
): Promise<AiNewWorkitem> {
  const { study, base, offPeak } = ordering;
  const priority: Priority = order.priority ?? base.priority;
  const scheduledStart = order.schedule === 'off-peak' && priority !== 'HIGH' ? offPeak : null;
  const { seriesInstanceUids } = order;
  return {
    uid: newUid(),
    kind: 'ai',
    studyKey: study.studyKey,
    priority,
    priorityReason: order.priority === undefined ? 'As urgent as its study.' : `By the rule ${order.rules.join(', ')}.`,
    deadline: null,
    modelId: model.modelId,
    modelVersion: model.version,
    modelSha256: model.sha256,
    inputDigest: await digestOf(ordering, order),
    scheduledStart,
    dataset: aiTaskDataset(study, model, { seriesInstanceUids, instances, scheduledStart }),
  };
}

/**
 * What waits to be done on an older set of instances is not worth doing, and what failed on one says nothing of the present
 * one; what runs or ran already stays, and so does what late instances did not touch.
 */
async function supersede(ordering: Ordering): Promise<void> {
  const { tx, study, orders } = ordering;
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

/** The same model on the same instances, ordered before. */
async function existingTask(tx: Transaction, workitem: AiNewWorkitem): Promise<string> {
  const { studyKey, modelId, modelSha256, inputDigest } = workitem;
  const [row] = await query<{ workitem_uid: string }>(
    tx,
    `select workitem_uid from workitem
      where kind = 'ai' and study_key = $1 and model_id = $2 and model_sha256 = $3 and input_digest = $4`,
    [studyKey, modelId, modelSha256, inputDigest],
  );
  if (row === undefined) throw new Error(`The task of ${modelId} was refused as a duplicate, but there is no other`);
  return row.workitem_uid;
}

/** How many suites have forwarded the study before it came here. */
async function hopsOf(tx: Transaction, studyInstanceUid: string): Promise<number> {
  const [row] = await query<{ hops: number }>(tx, 'select hops from forwarded_study where study_instance_uid = $1', [
    studyInstanceUid,
  ]);
  return row?.hops ?? 0;
}
