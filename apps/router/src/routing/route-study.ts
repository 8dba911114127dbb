import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { newUid } from '#libs/dicom';
import { DataSource, execute, notifyAll, query, transaction, type Transaction } from '#libs/database';
import { announceArrivals, JobQueue } from '#libs/jobs';
import { createWorkitems, type NewWorkitem } from '#libs/workitems';
import { readingDeadline } from '../worklist/reading-deadline.js';
import { basePriority } from './base-priority.js';
import { type Completeness, judgeCompleteness, type Notice, type QuietPeriod } from './completeness.js';
import { completenessFacts } from './completeness-facts.js';
import { emptyDecision, lacksModels } from './decision.js';
import { evaluateRules, type Evaluation } from './evaluate-rules.js';
import { type CompleteStudy, OrderTasks } from './order-tasks.js';
import { resolveModels } from './resolve-models.js';
import { WarmModels } from './warm-models.js';
import { readFactsOfStudies } from './read-study-facts.js';
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
import { readingTaskDataset } from './workitem-dataset.js';

export type RouteOutcome = 'unknown-study' | 'waiting' | 'unchanged' | 'routed' | 'waiting-for-models';

/**
 * Takes a study as far as it can go now: onto the worklist at once, and to its models when it is complete. Safe to call at
 * any time and any number of times: what was decided on the same instances is not decided again.
 */
@Injectable()
export class RouteStudy {
  private readonly ruleBooks = new RuleBooks();
  private readonly orderTasks: OrderTasks;
  private readonly warmModels: WarmModels;

  constructor(
    private readonly dataSource: DataSource,
    jobs: JobQueue,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    this.orderTasks = new OrderTasks(jobs);
    this.warmModels = new WarmModels(jobs);
  }

  /** @param notice.isComplete somebody who knows says that nothing more will come, or how much there is in all */
  async route(
    studyInstanceUid: string,
    notice: { isComplete: boolean } & ExpectedCounts = { isComplete: false },
  ): Promise<RouteOutcome> {
    // The worklist first and by itself: whatever is wrong with rules or models must not keep a study from its reader.
    const studyKey = await transaction(this.dataSource, async (tx) => {
      const key = await studyKeyOf(tx, studyInstanceUid);
      if (key === undefined) return undefined;
      // Who lists writes the routing row first, who looks the reading: one of them at a time.
      await lockRouting(tx, key);
      await this.list(tx, [key]);
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
    const complete: CompleteStudy[] = [];
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
        complete.push({ study, found, evaluation, hasDecided, isNew: !listed.has(studyKey) });
        continue;
      }
      const decision = was?.decision ?? { ...emptyDecision, basePriority: basePriority(study) };
      // Told once, by who first sees that more of the study is to come.
      if (was?.completeness == null)
        await this.warmModels.ask(
          tx,
          resolveModels(evaluation.orders, book.models).flatMap(({ model }) => model ?? []),
        );
      waiting.push({
        found: { ...found, state: 'receiving', decision, routedInput: null },
        again: { studyInstanceUid, afterSeconds: completeness.checkAgainAfterSeconds },
      });
      outcomes.set(studyKey, 'waiting');
    }
    for (const [key, state] of await this.orderTasks.decide(tx, complete, book)) {
      outcomes.set(key, state === 'complete' ? 'waiting-for-models' : 'routed');
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
    const readWithin = new Map<string, number>();
    for (const study of studies) {
      const { priority, reason } = basePriority(study);
      const { specialty } = chooseSpecialty(study, departments);
      // Asked once for all studies of a kind.
      const kind = `${specialty} ${priority}`;
      const noTime = { arrivedAt: new Date(0), specialty, priority, ruleMinutes: null };
      const within = readWithin.get(kind) ?? (await readingDeadline(tx, noTime)).getTime();
      readWithin.set(kind, within);
      readings.push({
        uid: newUid(),
        kind: 'reading',
        studyKey: study.studyKey,
        priority,
        priorityReason: reason,
        deadline: new Date(study.arrivedAt.getTime() + within),
        dataset: readingTaskDataset(study, specialty),
      });
    }
    await createWorkitems(tx, readings);
  }
}

async function studyKeyOf(tx: Transaction, studyInstanceUid: string): Promise<number | undefined> {
  const rows = await query<{ study_key: number }>(tx, 'select study_key from study where study_instance_uid = $1', [
    studyInstanceUid,
  ]);
  return rows[0]?.study_key;
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
