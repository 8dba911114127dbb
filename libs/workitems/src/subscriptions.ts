import { execute, query, type Transaction } from '#libs/database';
import { subscribeMatching, unsubscribeMatching, wellKnownWorklists } from './filtered-subscriptions.js';
import type { WorkitemMatch } from './workitem-query.js';

/*
 * Who hears of which workitems (PS3.4 CC.2.3). A subscription to all is one row and holds for workitems to come; one to a
 * single workitem goes before it, and so does taking one back for a single workitem.
 */

/** An Application Entity that wants to hear of workitems, by its AE title. */
export interface Subscriber {
  aet: string;
  /** Workitems it subscribed to are to be kept when they are over, until it unsubscribes. */
  deletionLock: boolean;
}

/** @returns false when there is no such workitem */
export async function subscribeToWorkitem(
  tx: Transaction,
  { aet, deletionLock }: Subscriber,
  workitemUid: string,
): Promise<boolean> {
  const rows = await query(
    tx,
    `insert into ups_subscription (subscriber_aet, workitem_uid, deletion_lock)
     select $1, workitem_uid, $3 from workitem where workitem_uid = $2
     on conflict on constraint pk_ups_subscription
       do update set deletion_lock = $3, is_excluded = false, is_by_filter = false
     returning workitem_uid`,
    [aet, workitemUid, deletionLock],
  );
  if (rows.length === 0) return false;
  await reportState(tx, aet, 'w.workitem_uid = $2', [workitemUid]);
  return true;
}

/**
 * To all workitems there are and will be. With a deletion lock their states are reported at once (PS3.4 CC.2.4.3): of
 * those that are not over; the others are found by searching.
 */
export async function subscribeToAll(tx: Transaction, { aet, deletionLock }: Subscriber): Promise<void> {
  await query(
    tx,
    `insert into ups_subscription (subscriber_aet, workitem_uid, deletion_lock) values ($1, $2, $3)
     on conflict on constraint pk_ups_subscription do update set deletion_lock = $3, suspended_at = null`,
    [aet, wellKnownWorklists.all, deletionLock],
  );
  await execute(tx, 'delete from ups_subscription where subscriber_aet = $1 and is_excluded', [aet]);
  if (deletionLock) await reportState(tx, aet, `w.state in ('SCHEDULED', 'IN PROGRESS')`, []);
}

/** Every new workitem is held against every filter. */
export const filteredSubscriptionsMax = 100;

/**
 * To those there are and will be that fit when they are made.
 * @param filter not empty
 * @returns false when there are {@link filteredSubscriptionsMax} others already: nothing was written then
 */
export async function subscribeToMatching(
  tx: Transaction,
  { aet, deletionLock }: Subscriber,
  filter: WorkitemMatch[],
): Promise<boolean> {
  const [others] = await query<{ count: number }>(
    tx,
    'select count(*)::integer as count from ups_subscription where workitem_uid = $1 and subscriber_aet <> $2',
    [wellKnownWorklists.filtered, aet],
  );
  if (others!.count >= filteredSubscriptionsMax) return false;
  await query(
    tx,
    `insert into ups_subscription (subscriber_aet, workitem_uid, deletion_lock, filter) values ($1, $2, $3, $4)
     on conflict on constraint pk_ups_subscription do update set deletion_lock = $3, filter = $4, suspended_at = null`,
    [aet, wellKnownWorklists.filtered, deletionLock, JSON.stringify(filter)],
  );
  await unsubscribeMatching(tx, aet);
  await subscribeMatching(tx, { aet, deletionLock, filter });
  if (deletionLock) {
    await reportState(
      tx,
      aet,
      `w.state in ('SCHEDULED', 'IN PROGRESS') and exists (select from ups_subscription u
        where u.subscriber_aet = $1 and u.workitem_uid = w.workitem_uid and u.is_by_filter)`,
      [],
    );
  }
  return true;
}

/** @returns false when it was not subscribed to it */
export async function unsubscribeFromWorkitem(tx: Transaction, aet: string, workitemUid: string): Promise<boolean> {
  const [row] = await query<{ hears_all: boolean; is_named: boolean | null }>(
    tx,
    `select exists (select from ups_subscription a join workitem w on w.workitem_uid = $2
                     where a.subscriber_aet = $1 and a.workitem_uid = $3
                       and (a.suspended_at is null or w.created_at <= a.suspended_at)) as hears_all,
            (select not is_excluded from ups_subscription where subscriber_aet = $1 and workitem_uid = $2) as is_named`,
    [aet, workitemUid, wellKnownWorklists.all],
  );
  const { hears_all: hearsAll, is_named: isNamed } = row!;
  if (isNamed === false || (isNamed === null && !hearsAll)) return false;
  await execute(tx, 'delete from ups_subscription where subscriber_aet = $1 and workitem_uid = $2', [aet, workitemUid]);
  if (hearsAll) {
    await query(tx, 'insert into ups_subscription (subscriber_aet, workitem_uid, is_excluded) values ($1, $2, true)', [
      aet,
      workitemUid,
    ]);
  }
  return true;
}

/**
 * Ends a subscription to all, and with it every one to a single workitem (PS3.4 table CC.2.3-2), or one by filter, with
 * what it brought. @returns false when there was none
 */
export async function unsubscribeFrom(
  tx: Transaction,
  aet: string,
  worklist: keyof typeof wellKnownWorklists,
): Promise<boolean> {
  const where = worklist === 'all' ? `filter is null and not is_by_filter` : `(filter is not null or is_by_filter)`;
  return (await execute(tx, `delete from ups_subscription where subscriber_aet = $1 and ${where}`, [aet])) > 0;
}

/** No more workitems than there are now. @returns false when there is no such subscription */
export async function suspendSubscription(
  tx: Transaction,
  aet: string,
  worklist: keyof typeof wellKnownWorklists,
): Promise<boolean> {
  const suspended = await execute(
    tx,
    `update ups_subscription set suspended_at = coalesce(suspended_at, clock_timestamp())
      where subscriber_aet = $1 and workitem_uid = $2`,
    [aet, wellKnownWorklists[worklist]],
  );
  return suspended > 0;
}

async function reportState(tx: Transaction, aet: string, where: string, parameters: unknown[]): Promise<void> {
  await query(
    tx,
    `insert into ups_event (workitem_uid, event_type, content, subscriber_aet)
     select w.workitem_uid, 1, ups_state_report(w.state, w.dataset, w.discontinuation_reason), $1
       from workitem w where ${where} order by w.workitem_key`,
    [aet, ...parameters],
  );
}
