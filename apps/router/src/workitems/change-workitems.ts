import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { type DicomJson, isUid, jsonText, newUid } from '#libs/dicom';
import { DataSource, query, type Transaction, transaction } from '#libs/database';
import { JobQueue } from '#libs/jobs';
import { HttpProblem } from '#libs/server';
import {
  cancelWorkitem,
  claimWorkitem,
  completeDescribedWorkitem,
  createWorkitem,
  hasSubscribers,
  type LockedWorkitem,
  lockWorkitem,
  parseDicomDateTime,
  type Priority,
  reportCancelRequest,
  updateWorkitem,
  wellKnownWorklists,
} from '#libs/workitems';
import { noteProcedureStep } from './note-procedure-step.js';
import { rankTask } from './rank-tasks.js';
import { conflicts, refusal } from './refusal.js';
import { saveReportedResult } from './save-reported-result.js';
import {
  discontinuationReason,
  isPerformersWord,
  problemsOfCompletion,
  problemsOfNew,
  problemsOfUpdate,
  studiesOf,
  toKept,
  toNewDataset,
} from './workitem-rules.js';

/** Of a workitem whose sender names none. */
const worklistDefault = 'OTHER';

/** What became of a request that was not refused: a sentence of PS3.18 for its Warning, if there is one. */
export interface Changed {
  uid: string;
  warning?: string;
}

/**
 * UPS-RS, its writing half (PS3.18 11.4, 11.6 to 11.8): for whoever orders a step, and for performers that are no part of
 * the suite. The same rows, claims and fences as for its own workers and readers. All throw HttpProblem.
 * @param service our DICOMweb root as the client sees it, for warnings
 */
@Injectable()
export class ChangeWorkitems {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @param uid as the address has it; else the dataset's, else a new one */
  async create(service: string, dataset: DicomJson, uid: string | undefined): Promise<Changed> {
    const named = jsonText(dataset, '00080018') ?? jsonText(dataset, '00001000');
    if (uid !== undefined && named !== undefined && uid !== named) {
      throw bad(`The address names the workitem ${uid}, its dataset ${named.slice(0, 64)}.`);
    }
    const workitemUid = uid ?? named ?? newUid();
    if (!isUid(workitemUid)) throw bad('The workitem is named by a UID: digits and dots, at most 64.');
    if (Object.values<string>(wellKnownWorklists).includes(workitemUid)) {
      throw bad(`${workitemUid} is a name for worklists; no workitem can have it.`);
    }
    const problems = problemsOfNew(dataset);
    if (problems.length > 0) throw bad(problems.join(' '), { problems });
    const { dataset: kept, isModified } = toNewDataset(dataset, worklistDefault);
    const priority = jsonText(dataset, '00741200') as Priority;
    const isNew = await transaction(this.dataSource, async (tx) =>
      createWorkitem(tx, {
        uid: workitemUid,
        kind: 'other',
        studyKey: await studyKeyOf(tx, studiesOf(dataset)),
        priority,
        priorityReason: 'As ordered.',
        deadline: deadlineOf(dataset) ?? null,
        dataset: kept,
      }),
    );
    if (!isNew) throw new HttpProblem(409, 'Conflict', `There is a workitem ${workitemUid} already.`);
    return { uid: workitemUid, ...(isModified && { warning: 'The Workitem was created with modifications.' }) };
  }

  async update(service: string, uid: string, dataset: DicomJson, transactionUid: string | undefined): Promise<Changed> {
    const given = transactionUid ?? jsonText(dataset, '00081195');
    await transaction(this.dataSource, async (tx) => {
      const locked = await this.lock(tx, uid);
      const { state, kind } = locked.workitem;
      const { problems, refused } = problemsOfUpdate(dataset, kind);
      if (problems.length > 0) throw bad(problems.join(' '), { problems, refused });
      if (state === 'COMPLETED' || state === 'CANCELED') {
        throw refusal(service, 409, conflicts.state, `The workitem is ${state} and says what it will always say.`);
      }
      if (state === 'SCHEDULED') {
        if (given !== undefined) {
          throw refusal(
            service,
            409,
            conflicts.noClaim,
            'Nobody has claimed the workitem (any more): claim it before saying what was done.',
          );
        }
        if (isPerformersWord(dataset)) {
          throw refusal(service, 409, conflicts.state, 'Only who has claimed the workitem says what was done.');
        }
      } else {
        checkFence(service, locked, given, conflicts.noClaim);
      }
      const updated = await updateWorkitem(tx, uid, {
        dataset: toKept(dataset),
        ...(jsonText(dataset, '00741200') !== undefined && {
          priority: jsonText(dataset, '00741200') as Priority,
          priorityReason: 'As ordered.',
        }),
        ...optional('deadline', deadlineOf(dataset)),
      });
      if (updated?.kind === 'ai' && updated.priority !== locked.workitem.priority)
        await rankTask(this.jobs, tx, uid, updated.priority);
    });
    return { uid };
  }

  /** @param requester who asks, for the worklist; UPS-RS itself has no place for it */
  async changeState(
    service: string,
    uid: string,
    dataset: DicomJson,
    requester: string | undefined,
    transactionUidOfAddress: string | undefined,
  ): Promise<Changed> {
    const state = jsonText(dataset, '00741000');
    const transactionUid = jsonText(dataset, '00081195') ?? transactionUidOfAddress;
    if (state !== 'IN PROGRESS' && state !== 'COMPLETED' && state !== 'CANCELED') {
      throw bad('ProcedureStepState (0074,1000) is IN PROGRESS, COMPLETED or CANCELED.');
    }
    if (transactionUid === undefined) {
      throw refusal(
        service,
        400,
        conflicts.transactionMissing,
        'TransactionUID (0008,1195) is missing: make one up to claim a workitem, and give the same to end it.',
      );
    }
    if (!isUid(transactionUid)) throw bad('TransactionUID (0008,1195) is a UID: digits and dots, at most 64.');
    return transaction(this.dataSource, async (tx) => {
      const locked = await this.lock(tx, uid);
      if (state === 'IN PROGRESS') return this.claim(tx, service, locked, transactionUid, requester);
      return this.end(tx, service, locked, transactionUid, state);
    });
  }

  /** @param requester the AE title of who asks */
  async requestCancellation(service: string, uid: string, dataset: DicomJson, requester: string): Promise<Changed> {
    return transaction(this.dataSource, async (tx): Promise<Changed> => {
      const { workitem, isOfWorker } = await this.lock(tx, uid);
      const asked = Object.fromEntries(
        ['0074100A', '0074100C', '0074100E', '00741238']
          .filter((tag) => dataset[tag]?.Value !== undefined)
          .map((tag) => [tag, dataset[tag]!]),
      );
      const reason = jsonText(dataset, '00741238') ?? `Canceled at the request of ${requester}.`;
      switch (workitem.state) {
        case 'CANCELED':
          return { uid, warning: already('CANCELED') };
        case 'COMPLETED':
          throw refusal(service, 409, 'The UPS is already COMPLETED.', 'The workitem is COMPLETED: it has been done.');
        case 'IN PROGRESS':
          if (!isOfWorker && !(await hasSubscribers(tx, uid))) {
            throw refusal(
              service,
              409,
              'The performer cannot be contacted.',
              `${workitem.performer ?? 'Its performer'} holds the workitem and has not subscribed to it: nobody would hear of the request.`,
            );
          }
      }
      await reportCancelRequest(tx, uid, { ...asked, '00741236': { vr: 'AE', Value: [requester] } });
      // A worker of the suite's own stops at its next sign of life; whoever else holds it decides for itself.
      if (workitem.state === 'SCHEDULED' || isOfWorker) {
        const code = asked['0074100E'];
        if (code !== undefined) {
          await updateWorkitem(tx, uid, { dataset: { '00741002': { vr: 'SQ', Value: [{ '0074100E': code }] } } });
        }
        await cancelWorkitem(tx, uid, undefined, reason);
      }
      return { uid };
    });
  }

  private async claim(
    tx: Transaction,
    service: string,
    { workitem }: LockedWorkitem,
    transactionUid: string,
    requester = 'UPS-RS',
  ): Promise<Changed> {
    const claimed = await claimWorkitem(tx, workitem.uid, {
      transactionUid,
      performer: requester,
      silentSecondsMax: this.config.performerSilentSecondsMax,
    });
    if (claimed !== undefined) return { uid: workitem.uid };
    const holder = workitem.state === 'IN PROGRESS' ? `: ${workitem.performer ?? 'somebody'} has claimed it` : '';
    throw refusal(service, 409, conflicts.upsState, `The workitem is ${workitem.state}${holder}.`);
  }

  private async end(
    tx: Transaction,
    service: string,
    locked: LockedWorkitem,
    transactionUid: string,
    state: 'COMPLETED' | 'CANCELED',
  ): Promise<Changed> {
    const { workitem } = locked;
    const { uid } = workitem;
    if (workitem.state === state) {
      // Canceled before anybody claimed it: there is no Transaction UID to be wrong.
      if (locked.wasClaimed) checkFence(service, locked, transactionUid, conflicts.transactionWrong);
      return { uid, warning: already(state) };
    }
    if (workitem.state !== 'IN PROGRESS') {
      const detail =
        workitem.state === 'SCHEDULED'
          ? 'Nobody has claimed the workitem (any more): only who has can end it.'
          : `The workitem is ${workitem.state}.`;
      throw refusal(service, 409, conflicts.upsState, detail);
    }
    checkFence(service, locked, transactionUid, conflicts.transactionWrong);
    if (state === 'CANCELED') {
      await cancelWorkitem(
        tx,
        uid,
        transactionUid,
        discontinuationReason(workitem.dataset) ?? 'Its performer gave no reason.',
      );
      return { uid };
    }
    const problems = problemsOfCompletion(workitem.dataset);
    if (problems.length > 0) {
      const detail = `A workitem is COMPLETED when it says what was done: ${problems.join(' ')}`;
      throw refusal(service, 409, conflicts.upsState, detail, { problems });
    }
    const completed = await completeDescribedWorkitem(tx, uid, transactionUid);
    if (completed?.kind === 'ai') {
      await saveReportedResult(tx, completed);
      await this.jobs.send(tx, 'result-ready', { workitemUid: uid });
    }
    if (completed?.kind === 'other') await noteProcedureStep(tx, completed);
    return { uid };
  }

  private async lock(tx: Transaction, uid: string): Promise<LockedWorkitem> {
    const locked = isUid(uid) ? await lockWorkitem(tx, uid) : undefined;
    if (locked !== undefined) return locked;
    throw new HttpProblem(404, 'No such workitem', 'There is no workitem with the UID in the path.');
  }
}

/**
 * A Transaction UID that is missing is a fault of the request; one that is not (or no longer) the right one says that the
 * workitem is somebody else's.
 */
function checkFence(service: string, locked: LockedWorkitem, given: string | undefined, text: string): void {
  if (given === undefined) {
    throw refusal(
      service,
      400,
      conflicts.transactionMissing,
      'The workitem is IN PROGRESS: give the Transaction UID it was claimed with as ?transaction-uid=.',
    );
  }
  if (locked.isHeldWith(given)) return;
  throw refusal(
    service,
    409,
    text,
    'This is not the Transaction UID that the workitem is held with: it may have been offered again because its performer was silent for too long.',
  );
}

function already(state: string): string {
  return `The UPS is already in the requested state of ${state}.`;
}

function bad(detail: string, extra: Record<string, unknown> = {}): HttpProblem {
  return new HttpProblem(400, 'Bad Request', detail, extra);
}

function deadlineOf(dataset: DicomJson): Date | undefined {
  return parseDicomDateTime(jsonText(dataset, '00404011') ?? '');
}

function optional<Name extends string, T>(name: Name, value: T | undefined): { [key in Name]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [key in Name]?: T };
}

async function studyKeyOf(tx: Transaction, studyInstanceUids: string[]): Promise<number | null> {
  const [row] = await query<{ study_key: number }>(
    tx,
    'select study_key from study where study_instance_uid = any($1) order by study_key limit 1',
    [studyInstanceUids],
  );
  return row?.study_key ?? null;
}
