import { execute, query, type Transaction } from '#libs/database';
import { matchConditions } from './match-conditions.js';
import type { WorkitemMatch } from './workitem-query.js';

/** The well-known UIDs that stand for workitems in subscriptions (PS3.4 CC.2.3.2). */
export const wellKnownWorklists = {
  all: '1.2.840.10008.5.1.4.34.5',
  filtered: '1.2.840.10008.5.1.4.34.5.1',
} as const;

/** Subscribes to new workitems all whose filter they fit. What a workitem becomes later changes nothing about that. */
export async function subscribeByFilters(tx: Transaction, workitemUids: readonly string[]): Promise<void> {
  const filters = await query<{ subscriber_aet: string; deletion_lock: boolean; filter: WorkitemMatch[] }>(
    tx,
    `select subscriber_aet, deletion_lock, filter from ups_subscription
      where workitem_uid = $1 and suspended_at is null`,
    [wellKnownWorklists.filtered],
  );
  for (const { subscriber_aet: aet, deletion_lock: deletionLock, filter } of filters) {
    await subscribeMatching(tx, { aet, deletionLock, filter, workitemUids });
  }
}

/** @param one.workitemUids undefined: all there are. @returns how many the subscriber did not hear of before */
export async function subscribeMatching(
  tx: Transaction,
  { aet, deletionLock, filter, workitemUids }: FilteredSubscriber & { workitemUids?: readonly string[] },
): Promise<number> {
  const parameters: unknown[] = [aet, deletionLock, workitemUids ?? null];
  const conditions = matchConditions(filter, parameters);
  return (
    await query(
      tx,
      `insert into ups_subscription (subscriber_aet, workitem_uid, deletion_lock, is_by_filter)
       select $1, w.workitem_uid, $2, true from workitem w left join study s using (study_key)
        where ($3::text[] is null or w.workitem_uid = any($3)) and ${conditions.join(' and ')}
       on conflict do nothing returning workitem_uid`,
      parameters,
    )
  ).length;
}

/** Forgets what the filter of a subscriber brought. */
export async function unsubscribeMatching(tx: Transaction, aet: string): Promise<void> {
  await execute(tx, 'delete from ups_subscription where subscriber_aet = $1 and is_by_filter', [aet]);
}

interface FilteredSubscriber {
  aet: string;
  deletionLock: boolean;
  /** Not empty. */
  filter: WorkitemMatch[];
}
