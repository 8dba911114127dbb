import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who wants to hear of workitems, and what there is to hear (PS3.4 CC.2.3, CC.2.4). Events are written by a trigger: who
 * changes a workitem, in whatever process and by whatever statement, cannot forget to say so, and an event is there if and
 * only if its change is.
 */
export class CreateUpsEvents1763683200004 implements MigrationInterface {
  name = 'CreateUpsEvents1763683200004';

  async up(runner: QueryRunner): Promise<void> {
    // How long its performer may be silent before an AI task is offered again; null: as long as a worker of ours.
    await runner.query(`alter table workitem add column silent_seconds_max integer`);

    // workitem_uid is a workitem's or one of the two well-known UIDs (all workitems, those that fit a filter).
    await runner.query(`
      create table ups_subscription (
        subscriber_aet  text        not null,
        workitem_uid    text        not null,
        deletion_lock   boolean     not null default false,
        filter          jsonb,
        -- Made by a filtered subscription rather than asked for by name.
        is_by_filter    boolean     not null default false,
        -- Not this one, although the subscriber hears of all others.
        is_excluded     boolean     not null default false,
        -- Of all workitems: none made later than this.
        suspended_at    timestamptz,
        created_at      timestamptz not null default now(),
        constraint pk_ups_subscription primary key (subscriber_aet, workitem_uid)
      )`);
    await runner.query(`create index ix_ups_subscription_workitem on ups_subscription (workitem_uid)`);

    // One event report each, kept as long as a process that lost its connection for a while may need it.
    await runner.query(`
      create table ups_event (
        event_key       bigint      generated always as identity,
        workitem_uid    text        not null,
        event_type      smallint    not null,
        content         jsonb       not null,
        -- Only for this one (the state at the time it subscribed); null: for all who subscribed.
        subscriber_aet  text,
        created_at      timestamptz not null default clock_timestamp(),
        constraint pk_ups_event primary key (event_key),
        constraint ck_ups_event_type check (event_type between 1 and 5)
      )`);
    await runner.query(`create index ix_ups_event_created on ups_event (created_at)`);
    await runner.query(`
      create function announce_ups_event() returns trigger language plpgsql as $$
      begin
        perform pg_notify('isocenter_ups', new.event_key::text);
        return null;
      end $$`);
    await runner.query(`
      create trigger tg_ups_event after insert on ups_event for each row execute function announce_ups_event()`);

    await runner.query(`
      create function ups_state_report(state text, dataset jsonb, reason text) returns jsonb language sql immutable as $$
        select jsonb_build_object(
                 '00404041', coalesce(dataset -> '00404041', '{"vr": "CS", "Value": ["READY"]}'),
                 '00741000', jsonb_build_object('vr', 'CS', 'Value', jsonb_build_array(state)))
            || case when state = 'CANCELED' and reason is not null
                    then jsonb_build_object('00741238', jsonb_build_object('vr', 'LT', 'Value', jsonb_build_array(reason)))
                    else '{}' end
            || case when state = 'CANCELED' and dataset #> '{00741002,Value,0,0074100E}' is not null
                    then jsonb_build_object('0074100E', dataset #> '{00741002,Value,0,0074100E}')
                    else '{}' end
      $$`);
    await runner.query(`
      create function write_ups_events() returns trigger language plpgsql as $$
      begin
        if tg_op = 'INSERT' or old.state <> new.state
           or old.dataset -> '00404041' is distinct from new.dataset -> '00404041' then
          insert into ups_event (workitem_uid, event_type, content)
          values (new.workitem_uid, 1, ups_state_report(new.state, new.dataset, new.discontinuation_reason));
        end if;
        if tg_op = 'UPDATE' and new.state = 'IN PROGRESS'
           and old.dataset -> '00741002' is distinct from new.dataset -> '00741002' then
          insert into ups_event (workitem_uid, event_type, content)
          values (new.workitem_uid, 3, jsonb_build_object('00741002', coalesce(new.dataset -> '00741002', '{"vr": "SQ"}')));
        end if;
        if (new.dataset #> '{00404025,Value,0}' is not null
            and (tg_op = 'INSERT' or old.dataset -> '00404025' is distinct from new.dataset -> '00404025'))
           or (new.dataset #> '{00404034,Value,0}' is not null
               and (tg_op = 'INSERT' or old.dataset -> '00404034' is distinct from new.dataset -> '00404034')) then
          insert into ups_event (workitem_uid, event_type, content)
          values (new.workitem_uid, 5, jsonb_strip_nulls(jsonb_build_object(
            '00404025', new.dataset -> '00404025',
            '00404009', new.dataset #> '{00404034,Value,0,00404009}',
            '00404036', new.dataset #> '{00404034,Value,0,00404036}')));
        end if;
        return null;
      end $$`);
    await runner.query(`
      create trigger tg_workitem_created after insert on workitem for each row execute function write_ups_events()`);
    await runner.query(`
      create trigger tg_workitem_changed after update on workitem for each row
        when (old.state <> new.state or old.dataset is distinct from new.dataset) execute function write_ups_events()`);

    // A DT value (PS3.5 6.2) as a point in time, at its first moment when it is cut short; null when it is none.
    await runner.query(`
      create function dicom_date_time(value text) returns timestamptz language plpgsql immutable as $$
      declare
        digits text := (regexp_match(value, '^(\\d{4,14})'))[1];
        fraction text := coalesce((regexp_match(value, '^\\d{14}(\\.\\d{1,6})'))[1], '');
        zone text := coalesce((regexp_match(value, '([+-]\\d{4})$'))[1], '+0000');
      begin
        digits := digits || substr('00000101000000', length(digits) + 1);
        return (substr(digits, 1, 8) || ' ' || substr(digits, 9, 2) || ':' || substr(digits, 11, 2) || ':'
                || substr(digits, 13, 2) || fraction || zone)::timestamptz;
      exception when others then
        return null;
      end $$`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
