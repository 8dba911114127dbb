import { Injectable } from '@nestjs/common';
import { newUid } from '#libs/dicom';
import { DataSource, query, type Transaction, transaction } from '#libs/database';
import {
  claimWorkitem,
  completeWorkitem,
  getWorkitem,
  releaseWorkitem,
  type ReadingWorkitem,
  type Workitem,
} from '#libs/workitems';
import { ReadingError } from './reading-error.js';

/**
 * A reader takes a study, gives it back or finishes it. The same claim and the same fence as for any performer (PS3.4
 * CC.2.1); the Transaction UID stays with us and the reader's name stands for it.
 */
@Injectable()
export class ReadStudy {
  constructor(private readonly dataSource: DataSource) {}

  /** Claiming what one holds already is no error. @throws ReadingError when another reader holds it, or it is over */
  claim(workitemUid: string, reader: string): Promise<Workitem> {
    return transaction(this.dataSource, async (tx) => {
      const current = await readingTask(tx, workitemUid);
      const claimed = await claimWorkitem(tx, workitemUid, { transactionUid: newUid(), performer: reader });
      if (claimed !== undefined) return claimed;
      const now = (await getWorkitem(tx, workitemUid)) ?? current;
      if (now.state === 'IN PROGRESS' && now.performer === reader) return now;
      throw refused(now);
    });
  }

  /**
   * Back onto the list.
   * @param reader undefined: whoever holds it loses it (an administrator's word)
   * @throws ReadingError when it is not this reader's
   */
  release(workitemUid: string, reader: string | undefined): Promise<Workitem> {
    return transaction(this.dataSource, async (tx) => {
      const current = await readingTask(tx, workitemUid);
      const fence = reader === undefined ? undefined : await fenceOf(tx, workitemUid, reader);
      const isAllowed = reader === undefined || fence !== undefined;
      const released = isAllowed ? await releaseWorkitem(tx, workitemUid, fence) : undefined;
      if (released === undefined) throw refused((await getWorkitem(tx, workitemUid)) ?? current);
      return released;
    });
  }

  /** Read. @throws ReadingError when it is not this reader's */
  complete(workitemUid: string, reader: string): Promise<Workitem> {
    return transaction(this.dataSource, async (tx) => {
      const current = await readingTask(tx, workitemUid);
      const fence = await fenceOf(tx, workitemUid, reader);
      const isDone = fence !== undefined && (await completeWorkitem(tx, workitemUid, fence, []));
      const now = (await getWorkitem(tx, workitemUid)) ?? current;
      if (!isDone) throw refused(now);
      return now;
    });
  }
}

/** @throws ReadingError: there is none */
export async function readingTask(tx: Transaction, workitemUid: string): Promise<ReadingWorkitem> {
  const workitem = await getWorkitem(tx, workitemUid);
  if (workitem?.kind === 'reading') return workitem;
  throw new ReadingError('no-reading-task', `There is no reading task ${workitemUid}.`);
}

/** The Transaction UID this reader's claim was made with. */
async function fenceOf(tx: Transaction, workitemUid: string, reader: string): Promise<string | undefined> {
  const [row] = await query<{ transaction_uid: string }>(
    tx,
    `select transaction_uid from workitem where workitem_uid = $1 and state = 'IN PROGRESS' and performer = $2`,
    [workitemUid, reader],
  );
  return row?.transaction_uid;
}

export function refused(now: Workitem): ReadingError {
  switch (now.state) {
    case 'COMPLETED':
    case 'CANCELED':
      return new ReadingError('reading-over', `The reading task ${now.uid} is ${now.state}.`, now.performer);
    case 'IN PROGRESS':
      return new ReadingError(
        'reading-taken',
        `${now.performer ?? 'Somebody'} has the reading task ${now.uid}.`,
        now.performer,
      );
    case 'SCHEDULED':
      return new ReadingError('reading-not-yours', `Nobody has claimed the reading task ${now.uid}: claim it first.`);
  }
}
