import type { DicomJson } from '#libs/dicom';
import { type DataSource, execute, query, type Transaction } from '#libs/database';
import { wellKnownWorklists } from './filtered-subscriptions.js';
import { upsSopClassUid } from './to-ups-dataset.js';

/** Event Type ID of N-EVENT-REPORT for workitems (PS3.4 table CC.2.4-1). */
export const upsEventType = { stateReport: 1, cancelRequested: 2, progressReport: 3, scpStatusChange: 4, assigned: 5 };

/** An event, and one who subscribed to it. */
export interface UpsEvent {
  eventKey: number;
  subscriberAet: string;
  workitemUid: string;
  eventType: number;
  content: DicomJson;
}

interface UpsEventRow {
  event_key: number;
  aet: string;
  workitem_uid: string;
  event_type: number;
  content: DicomJson;
}

const forSubscribers = `
  select e.event_key, c.aet, e.workitem_uid, e.event_type, e.content
    from ups_event e
    cross join unnest($1::text[]) as c (aet)
    left join workitem w on w.workitem_uid = e.workitem_uid
    left join ups_subscription one on one.subscriber_aet = c.aet and one.workitem_uid = e.workitem_uid
    left join ups_subscription every on every.subscriber_aet = c.aet and every.workitem_uid = '${wellKnownWorklists.all}'
   where (e.subscriber_aet = c.aet
          or (e.subscriber_aet is null
              and case when one.subscriber_aet is not null then not one.is_excluded
                       else every.subscriber_aet is not null
                            and (every.suspended_at is null or w.created_at <= every.suspended_at) end))`;

/**
 * What those of these subscribers who may hear it are to hear, in order: of one workitem events have rising keys.
 * @param eventKeys as they were notified
 */
export async function readUpsEvents(db: DataSource, aets: string[], eventKeys: number[]): Promise<UpsEvent[]> {
  const rows = await query<UpsEventRow>(db, `${forSubscribers} and e.event_key = any($2) order by e.event_key`, [
    aets,
    eventKeys,
  ]);
  return rows.map(toEvent);
}

/** Keys of the events of the last so many seconds, for who may have missed some of them. */
export async function recentUpsEventKeys(db: DataSource, seconds: number): Promise<number[]> {
  const rows = await query<{ event_key: number }>(
    db,
    `select event_key from ups_event where created_at > clock_timestamp() - make_interval(secs => $1) order by event_key`,
    [seconds],
  );
  return rows.map((row) => row.event_key);
}

/** Events are for who listens; what became of a workitem is found by searching. @returns how many went */
export function deleteUpsEvents(db: DataSource | Transaction, olderThanSeconds: number): Promise<number> {
  return execute(db, 'delete from ups_event where created_at < clock_timestamp() - make_interval(secs => $1)', [
    olderThanSeconds,
  ]);
}

/** Asks whoever performs it to cancel a workitem (PS3.4 CC.2.2). @param content the request's attributes and who sent it */
export async function reportCancelRequest(tx: Transaction, workitemUid: string, content: DicomJson): Promise<void> {
  await query(tx, 'insert into ups_event (workitem_uid, event_type, content) values ($1, $2, $3)', [
    workitemUid,
    upsEventType.cancelRequested,
    JSON.stringify(content),
  ]);
}

/** Whether anybody but who asks hears of this workitem. */
export async function hasSubscribers(tx: Transaction, workitemUid: string): Promise<boolean> {
  const rows = await query(
    tx,
    `select from workitem w
      where w.workitem_uid = $1
        and (exists (select from ups_subscription one where one.workitem_uid = $1 and not one.is_excluded)
             or exists (select from ups_subscription every
                         where every.workitem_uid = $2
                           and (every.suspended_at is null or w.created_at <= every.suspended_at)
                           and not exists (select from ups_subscription none
                                            where none.subscriber_aet = every.subscriber_aet
                                              and none.workitem_uid = $1 and none.is_excluded)))`,
    [workitemUid, wellKnownWorklists.all],
  );
  return rows.length > 0;
}

/** Since when a subscriber has been one; undefined: it is none. */
export async function subscribedSince(db: DataSource, aet: string): Promise<Date | undefined> {
  const [row] = await query<{ since: Date | null }>(
    db,
    'select min(created_at) as since from ups_subscription where subscriber_aet = $1',
    [aet],
  );
  return row?.since ?? undefined;
}

/**
 * An event as it goes over a notification connection: the fields of N-EVENT-REPORT-RQ (PS3.7 table 10.3-1, as in the
 * example of PS3.18 11.13) and the event's attributes.
 * @param messageId 1 to 65535, counted for each connection
 */
export function toEventReport(
  event: Pick<UpsEvent, 'workitemUid' | 'eventType' | 'content'>,
  messageId: number,
): DicomJson {
  return {
    '00000002': { vr: 'UI', Value: [upsSopClassUid] },
    '00000100': { vr: 'US', Value: [0x0100] },
    '00000110': { vr: 'US', Value: [messageId] },
    '00000800': { vr: 'US', Value: [0] },
    '00001000': { vr: 'UI', Value: [event.workitemUid] },
    '00001002': { vr: 'US', Value: [event.eventType] },
    ...Object.fromEntries(Object.entries(event.content).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function toEvent(row: UpsEventRow): UpsEvent {
  return {
    eventKey: row.event_key,
    subscriberAet: row.aet,
    workitemUid: row.workitem_uid,
    eventType: row.event_type,
    content: row.content,
  };
}
