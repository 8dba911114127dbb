import { Injectable } from '@nestjs/common';
import { DataSource, execute, query, type Transaction, transaction } from '#libs/database';
import { JobQueue } from '#libs/jobs';
import { ArchiveError } from '../archive-error.js';
import type { Deletion } from './deletion.js';
import { allowLongStatements } from './delete-instances.js';
import { refuseOnLegalHold } from './legal-holds.js';
import { endDeletion, getDeletion, lockDeletion, removeRows } from './restore-deletion.js';

/** Ends the time in which deletions can be brought back. */
@Injectable()
export class PurgeDeletions {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
  ) {}

  /**
   * Now, whatever its grace: rows go in one transaction, packs that hold nothing any more follow by a job. A pack that still holds other instances stays as it is.
   * @throws ArchiveError 'deletion-not-found', 'deletion-over', 'on-legal-hold'
   */
  purge(deletionId: string): Promise<Deletion> {
    return transaction(this.dataSource, async (tx) => {
      await refuseOnLegalHold(tx, (await getDeletion(tx, deletionId)).studyInstanceUid);
      const deletion = await purge(tx, deletionId);
      await this.jobs.send(tx, 'delete-emptied-packs', {});
      return deletion;
    });
  }
}

/**
 * Purges those whose grace is over, one transaction each.
 * @param attempt runs one, and may go on past its failure
 * @returns how many
 */
export async function purgeOverdue(
  dataSource: DataSource,
  signal: AbortSignal,
  attempt: (deletionId: string, work: () => Promise<void>) => Promise<void>,
): Promise<number> {
  const overdue = await query<{ deletion_id: string }>(
    dataSource,
    `select deletion_id from deletion d where state = 'recoverable' and recoverable_until <= now()
        and not exists (select from study_hold h
                         where h.study_instance_uid = d.study_instance_uid and h.kind = 'legal-hold')
      order by recoverable_until`,
  );
  let purged = 0;
  for (const { deletion_id: deletionId } of overdue) {
    signal.throwIfAborted();
    await attempt(deletionId, async () => {
      try {
        await transaction(dataSource, (tx) => purge(tx, deletionId));
        purged += 1;
      } catch (error) {
        // Restored, or purged by hand, since the list was made.
        if (!(error instanceof ArchiveError && error.code === 'deletion-over')) throw error;
      }
    });
  }
  return purged;
}

async function purge(tx: Transaction, deletionId: string): Promise<Deletion> {
  await allowLongStatements(tx);
  await lockDeletion(tx, deletionId);
  // Two deletions may share a pack: whoever purges the later one must see that the earlier one is gone.
  const packs = await query<{ pack_id: string }>(
    tx,
    `select pack_id from pack
      where pack_id in (select pack_id from deleted_instance where deletion_id = $1)
      order by pack_id for no key update`,
    [deletionId],
  );
  await removeRows(tx, deletionId);
  await retireEmptied(
    tx,
    packs.map((pack) => pack.pack_id),
  );
  return endDeletion(tx, deletionId, 'purged');
}

/** Once nothing refers to a pack, nothing ever will again: new instances come in new packs. */
async function retireEmptied(tx: Transaction, packIds: readonly string[]): Promise<void> {
  await execute(
    tx,
    `update pack p set emptied_at = now()
      where p.pack_id = any($1)
        and not exists (select from instance i where i.pack_id = p.pack_id)
        and not exists (select from deleted_instance d where d.pack_id = p.pack_id)`,
    [packIds],
  );
  await execute(
    tx,
    `update location l set state = 'retired', retired_at = coalesce(l.retired_at, now())
       from pack p where p.pack_id = l.pack_id and p.pack_id = any($1) and p.emptied_at is not null`,
    [packIds],
  );
}
