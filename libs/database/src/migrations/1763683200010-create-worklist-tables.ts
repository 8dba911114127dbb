import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The worklist as one narrow row a study, in the order it is read, so that a page of it costs the same among a thousand
 * studies and a hundred thousand; what readers did; what was told to whom; and how long things took. The rows follow
 * their workitems by triggers: whoever changes a workitem, in whatever process, cannot forget to.
 */
export class CreateWorklistTables1763683200010 implements MigrationInterface {
  name = 'CreateWorklistTables1763683200010';

  async up(runner: QueryRunner): Promise<void> {
    // Rows that are there already are filed below, however many.
    await runner.query(`set local statement_timeout = 0`);
    await createServiceLevels(runner);
    await createReaderTables(runner);
    await createEntries(runner);
    await createFigures(runner);
    await createTriggers(runner);
    await createWebhooks(runner);
    await fileExisting(runner);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}

async function createServiceLevels(runner: QueryRunner): Promise<void> {
  // '*' is every specialty without a level of its own; it has one for each priority, always.
  await runner.query(`
    create table service_level (
      specialty                text        not null,
      priority                 text        not null,
      read_within_minutes      integer     not null,
      escalate_before_minutes  integer     not null,
      updated_by               text,
      updated_at               timestamptz not null default now(),
      constraint pk_service_level primary key (specialty, priority),
      constraint ck_service_level_priority check (priority in ('HIGH', 'MEDIUM', 'LOW')),
      constraint ck_service_level_minutes check (
        read_within_minutes > 0 and escalate_before_minutes >= 0 and escalate_before_minutes < read_within_minutes)
    )`);
  await runner.query(`
    insert into service_level (specialty, priority, read_within_minutes, escalate_before_minutes) values
      ('*', 'HIGH', 60, 15), ('*', 'MEDIUM', 1440, 120), ('*', 'LOW', 4320, 480)`);
}

/** What people said and did; kept, never changed. Named by UIDs: a study that is deleted and comes back has its history. */
async function createReaderTables(runner: QueryRunner): Promise<void> {
  // The last one is in force; to_priority null: the order's, the rules' and the models' word again.
  await runner.query(`
    create table priority_change (
      change_key          bigint      generated always as identity,
      workitem_uid        text        not null,
      reader              text        not null,
      from_priority       text        not null,
      to_priority         text,
      reason              text        not null,
      created_at          timestamptz not null default clock_timestamp(),
      constraint pk_priority_change primary key (change_key),
      constraint ck_priority_change_to check (to_priority in ('HIGH', 'MEDIUM', 'LOW'))
    )`);
  await runner.query(`create index ix_priority_change_workitem on priority_change (workitem_uid, change_key)`);

  // A reader's word on what a model said: on the whole result, or on one finding by its name.
  await runner.query(`
    create table finding_review (
      review_key               bigint      generated always as identity,
      review_id                uuid        not null,
      study_instance_uid       text        not null,
      workitem_uid             text        not null,
      finding                  text,
      verdict                  text        not null,
      comment                  text        not null default '',
      reader                   text        not null,
      created_at               timestamptz not null default clock_timestamp(),
      report_series_uid        text        not null,
      report_sop_instance_uid  text        not null,
      -- When its report was in the archive; until then, what kept it from there.
      stored_at                timestamptz,
      problem                  text,
      constraint pk_finding_review primary key (review_key),
      constraint uq_finding_review_id unique (review_id),
      constraint ck_finding_review_verdict check (verdict in ('agree', 'disagree'))
    )`);
  await runner.query(`create index ix_finding_review_workitem on finding_review (workitem_uid, review_key)`);

  await runner.query(`
    create table study_event (
      event_key           bigint      generated always as identity,
      study_instance_uid  text        not null,
      kind                text        not null,
      at                  timestamptz not null default clock_timestamp(),
      actor               text,
      detail              jsonb       not null default '{}',
      constraint pk_study_event primary key (event_key)
    )`);
  await runner.query(`create index ix_study_event_study on study_event (study_instance_uid, event_key)`);

  // Once a deadline: a study that became more urgent has another one.
  await runner.query(`
    create table escalation (
      workitem_uid   text        not null,
      deadline       timestamptz not null,
      escalated_at   timestamptz not null default clock_timestamp(),
      constraint pk_escalation primary key (workitem_uid, deadline)
    )`);
}

async function createEntries(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create table worklist_entry (
      study_key     bigint      not null,
      workitem_key  bigint      not null,
      workitem_uid  text        not null,
      state         text        not null,
      performer     text,
      priority      text        not null,
      deadline      timestamptz,
      -- The order: 0 HIGH, 1 MEDIUM, 2 LOW, 3 over; then the deadline, or for what is over the latest first.
      rank          smallint    not null,
      place         bigint      not null,
      specialty     text,
      modalities    text[]      not null default '{}',
      body_parts    text[]      not null default '{}',
      ai_state      text        not null default 'not-analysed',
      -- null: not again for this deadline.
      escalate_at   timestamptz,
      arrived_at    timestamptz not null,
      -- When a model first had an answer.
      answered_at   timestamptz,
      finished_at   timestamptz,
      constraint pk_worklist_entry primary key (study_key),
      constraint fk_worklist_entry_study foreign key (study_key) references study on delete cascade
    )`);
  await runner.query(`create index ix_worklist_entry_place on worklist_entry (rank, place, workitem_key)`);
  await runner.query(`
    create index ix_worklist_entry_specialty on worklist_entry (specialty, rank, place, workitem_key) where rank < 3`);
  await runner.query(`
    create index ix_worklist_entry_ai on worklist_entry (ai_state, rank, place, workitem_key) where rank < 3`);
  await runner.query(`
    create index ix_worklist_entry_specialty_ai on worklist_entry (specialty, ai_state, rank, place, workitem_key)
      where rank < 3`);
  await runner.query(`
    create index ix_worklist_entry_performer on worklist_entry (performer, rank, place, workitem_key)
      where performer is not null`);
  await runner.query(`
    create index ix_worklist_entry_kind on worklist_entry using gin (modalities, body_parts) where rank < 3`);
  await runner.query(`
    create index ix_worklist_entry_escalate on worklist_entry (escalate_at) where escalate_at is not null`);
  await runner.query(`create index ix_worklist_entry_arrived on worklist_entry (arrived_at)`);

  // In PL/pgSQL, which plans a statement once a session, where functions in SQL may be planned with every call.
  //
  // A model's positive counts whoever said otherwise later, except a reader; then the newest word of each model, the
  // least settled first. Tasks canceled because more instances arrived say nothing.
  await runner.query(`
    create function worklist_ai_state(study bigint) returns text language plpgsql stable as $$ begin return (
      select case when bool_or(outcome = 'positive' and not is_refuted) then 'positive'
                  when bool_or(is_newest and state in ('SCHEDULED', 'IN PROGRESS')) then 'pending'
                  when bool_or(is_newest and is_refuted) then 'overridden'
                  when bool_or(is_newest and state = 'CANCELED') then 'failed'
                  when bool_or(is_newest and (outcome = 'inconclusive' or outcome is null)) then 'inconclusive'
                  when bool_or(is_newest and outcome = 'negative') then 'negative'
                  else 'not-analysed' end
        from (select a.state, t.outcome,
                     row_number() over (partition by a.model_id order by a.workitem_key desc) = 1 as is_newest,
                     coalesce((select v.verdict = 'disagree' from finding_review v
                                where v.workitem_uid = a.workitem_uid and v.finding is null
                                order by v.review_key desc limit 1), false) as is_refuted
                from workitem a
                left join result t on t.workitem_uid = a.workitem_uid
                left join study_routing r on r.study_key = a.study_key
               where a.study_key = study and a.kind = 'ai'
                 and not a.is_superseded) task);
    end $$`);
  await runner.query(`
    create function worklist_body_parts(study bigint) returns text[] language plpgsql stable as $$ begin return (
      select coalesce(array_agg(distinct upper(trim(body_part_examined)))
                      filter (where trim(body_part_examined) <> ''), '{}')
        from series where study_key = study);
    end $$`);
  await runner.query(`
    create function worklist_rank(state text, priority text) returns smallint language sql immutable as $$
      select (case when state in ('COMPLETED', 'CANCELED') then 3
                   when priority = 'HIGH' then 0 when priority = 'MEDIUM' then 1 else 2 end)::smallint
    $$`);
  // Microseconds; without a deadline last, within what a double holds exactly.
  await runner.query(`
    create function worklist_place(state text, deadline timestamptz, finished_at timestamptz) returns bigint
      language sql immutable as $$
      select case when state in ('COMPLETED', 'CANCELED')
                  then -(extract(epoch from coalesce(finished_at, 'epoch')) * 1000000)::bigint
                  else coalesce((extract(epoch from deadline) * 1000000)::bigint, 9007199254740991) end
    $$`);
  await runner.query(`
    create function worklist_escalate_at(specialty text, priority text, deadline timestamptz) returns timestamptz
      language plpgsql stable as $$ begin return (
      select deadline - (l.escalate_before_minutes * interval '1 minute')
        from service_level l
       where l.priority = $2 and l.specialty in (coalesce($1, '*'), '*')
       order by l.specialty = '*' limit 1);
    end $$`);
}

async function createFigures(runner: QueryRunner): Promise<void> {
  // What was measured and not yet counted: written by many at once, so each writes a row of its own.
  await runner.query(`
    create table figure_sample (
      sample_key  bigint            generated always as identity,
      figure      text              not null,
      specialty   text              not null,
      priority    text              not null,
      seconds     double precision  not null,
      constraint pk_figure_sample primary key (sample_key)
    )`);
  // Since ever, as a histogram: how many took at most so long. The row of 'Infinity' has them all, and their sum.
  await runner.query(`
    create table figure_bucket (
      figure         text              not null,
      specialty      text              not null,
      priority       text              not null,
      upper_seconds  double precision  not null,
      samples        bigint            not null,
      seconds        double precision  not null,
      constraint pk_figure_bucket primary key (figure, specialty, priority, upper_seconds)
    )`);
}

async function createTriggers(runner: QueryRunner): Promise<void> {
  await runner.query(`
    create function file_reading() returns trigger language plpgsql as $$
    declare
      entry worklist_entry;
      study_uid text;
    begin
      if tg_op = 'UPDATE' and old.study_key is distinct from new.study_key and old.study_key is not null then
        delete from worklist_entry where study_key = old.study_key;
      end if;
      if new.study_key is null then
        return null;
      end if;
      if tg_op = 'UPDATE' then
        update worklist_entry e
           set workitem_key = new.workitem_key, workitem_uid = new.workitem_uid, state = new.state,
               performer = new.performer, priority = new.priority, deadline = new.deadline,
               rank = worklist_rank(new.state, new.priority),
               place = worklist_place(new.state, new.deadline, new.finished_at),
               escalate_at = case when new.state in ('COMPLETED', 'CANCELED') then null
                                  when e.deadline is not distinct from new.deadline then e.escalate_at
                                  else worklist_escalate_at(e.specialty, new.priority, new.deadline) end,
               finished_at = new.finished_at
         where study_key = new.study_key returning * into entry;
      end if;
      select study_instance_uid into study_uid from study where study_key = new.study_key;
      if not found then
        return null;
      end if;
      if entry.study_key is null then
        insert into worklist_entry (study_key, workitem_key, workitem_uid, state, performer, priority, deadline, rank,
                                    place, specialty, modalities, body_parts, ai_state, escalate_at, arrived_at,
                                    finished_at)
        select s.study_key, new.workitem_key, new.workitem_uid, new.state, new.performer, new.priority, new.deadline,
               worklist_rank(new.state, new.priority), worklist_place(new.state, new.deadline, new.finished_at),
               r.specialty, s.modalities, worklist_body_parts(s.study_key),
               case when exists (select from workitem a where a.study_key = s.study_key and a.kind = 'ai')
                    then worklist_ai_state(s.study_key) else 'not-analysed' end,
               case when new.state in ('SCHEDULED', 'IN PROGRESS')
                    then worklist_escalate_at(r.specialty, new.priority, new.deadline) end,
               s.created_at, new.finished_at
          from study s left join study_routing r on r.study_key = s.study_key
         where s.study_key = new.study_key;
      end if;
      if tg_op = 'INSERT' then
        insert into study_event (study_instance_uid, kind, at)
        select study_uid, 'received', created_at from study where study_key = new.study_key;
      elsif old.state <> new.state then
        insert into study_event (study_instance_uid, kind, actor, detail)
        values (study_uid,
                case new.state when 'IN PROGRESS' then 'claimed' when 'COMPLETED' then 'read'
                               when 'CANCELED' then 'reading-canceled' else 'released' end,
                coalesce(new.performer, old.performer),
                case when new.state = 'CANCELED' then jsonb_build_object('reason', new.discontinuation_reason)
                     else '{}' end);
        if new.state = 'COMPLETED' then
          insert into figure_sample (figure, specialty, priority, seconds)
          values ('arrival-to-read', coalesce(entry.specialty, 'none'), new.priority,
                  greatest(extract(epoch from new.finished_at - entry.arrived_at), 0));
        end if;
      end if;
      if tg_op = 'UPDATE' and old.priority <> new.priority then
        insert into study_event (study_instance_uid, kind, detail)
        values (study_uid, 'priority', jsonb_build_object('from', old.priority, 'to', new.priority,
                                                          'reason', new.priority_reason));
      end if;
      return null;
    end $$`);
  await runner.query(`
    create trigger tg_workitem_reading_created after insert on workitem for each row
      when (new.kind = 'reading') execute function file_reading()`);
  await runner.query(`
    create trigger tg_workitem_reading_changed after update on workitem for each row
      when (new.kind = 'reading'
            and (old.state, old.priority, old.deadline, old.performer, old.study_key, old.finished_at)
                is distinct from
                (new.state, new.priority, new.deadline, new.performer, new.study_key, new.finished_at))
      execute function file_reading()`);

  await runner.query(`
    create function refresh_worklist_ai(study bigint) returns void language plpgsql as $$
    declare
      said text := worklist_ai_state(study);
    begin
      update worklist_entry set ai_state = said where study_key = study and ai_state <> said;
    end $$`);
  await runner.query(`
    create function file_ai_task() returns trigger language plpgsql as $$
    begin
      if tg_op = 'INSERT' or new.state in ('COMPLETED', 'CANCELED') or old.study_key is distinct from new.study_key then
        perform refresh_worklist_ai(new.study_key);
      end if;
      if tg_op = 'INSERT' or old.state <> new.state then
        insert into study_event (study_instance_uid, kind, actor, detail)
        select study_instance_uid,
               case when tg_op = 'INSERT' then 'ai-ordered' when new.state = 'IN PROGRESS' then 'ai-started'
                    when new.state = 'COMPLETED' then 'ai-inferred' when new.state = 'CANCELED' then 'ai-failed'
                    else 'ai-released' end,
               coalesce(new.performer, case when tg_op = 'UPDATE' then old.performer end),
               jsonb_strip_nulls(jsonb_build_object(
                 'workitemUid', new.workitem_uid, 'model', new.model_id, 'version', new.model_version,
                 'reason', case when tg_op = 'UPDATE' and new.state in ('CANCELED', 'SCHEDULED')
                                then new.discontinuation_reason end))
          from study where study_key = new.study_key;
      end if;
      return null;
    end $$`);
  await runner.query(`
    create trigger tg_workitem_ai_created after insert on workitem for each row
      when (new.kind = 'ai' and new.study_key is not null) execute function file_ai_task()`);
  await runner.query(`
    create trigger tg_workitem_ai_changed after update on workitem for each row
      when (new.kind = 'ai' and new.study_key is not null
            and (old.state <> new.state or old.study_key is distinct from new.study_key))
      execute function file_ai_task()`);

  await runner.query(`
    create function file_result() returns trigger language plpgsql as $$
    begin
      perform refresh_worklist_ai(new.study_key);
      with answered as (
        update worklist_entry set answered_at = clock_timestamp()
         where study_key = new.study_key and answered_at is null
         returning *)
      insert into figure_sample (figure, specialty, priority, seconds)
      select 'arrival-to-result', coalesce(specialty, 'none'), priority,
             greatest(extract(epoch from answered_at - arrived_at), 0) from answered;
      return null;
    end $$`);
  await runner.query(`
    create trigger tg_result_filed after insert on result for each row
      when (new.study_key is not null) execute function file_result()`);

  // Routing says anew what a study is whenever it has looked at it: the moment to take over what the archive has of it,
  // without a word more on the path that stores.
  await runner.query(`
    create function file_routing() returns trigger language plpgsql as $$
    declare
      study_uid text;
      parts text[];
      kinds text[];
    begin
      select study_instance_uid, modalities into study_uid, kinds from study where study_key = new.study_key;
      parts := worklist_body_parts(new.study_key);
      update worklist_entry e set specialty = new.specialty, modalities = kinds, body_parts = parts
       where study_key = new.study_key
         and (e.specialty, e.modalities, e.body_parts) is distinct from (new.specialty, kinds, parts);
      if old.routed_input is distinct from new.routed_input then
        perform refresh_worklist_ai(new.study_key);
        -- As of when the transaction began: before what it then asked for.
        insert into study_event (study_instance_uid, kind, at, detail)
        values (study_uid, 'complete', now(), coalesce(new.completeness, '{}'));
      end if;
      if new.state = 'routed' and (old.routed_input is distinct from new.routed_input or old.state = 'complete') then
        insert into study_event (study_instance_uid, kind, at, detail)
        values (study_uid, 'routed', now(), jsonb_build_object('specialty', new.specialty));
      end if;
      return null;
    end $$`);
  await runner.query(`
    create trigger tg_study_routing_filed after update of specialty, routed_input on study_routing for each row
      execute function file_routing()`);

  await runner.query(`
    create function file_review() returns trigger language plpgsql as $$
    begin
      perform refresh_worklist_ai(study_key) from workitem
        where workitem_uid = new.workitem_uid and study_key is not null;
      insert into study_event (study_instance_uid, kind, at, actor, detail)
      values (new.study_instance_uid, 'reviewed', new.created_at, new.reader,
              jsonb_strip_nulls(jsonb_build_object('workitemUid', new.workitem_uid, 'finding', new.finding,
                                                   'verdict', new.verdict)));
      return null;
    end $$`);
  await runner.query(`
    create trigger tg_finding_review_filed after insert on finding_review for each row execute function file_review()`);
}

async function createWebhooks(runner: QueryRunner): Promise<void> {
  // The secret is kept as it is: who signs needs it. It leaves the database with signatures only.
  await runner.query(`
    create table webhook (
      webhook_id   uuid        not null,
      name         text        not null,
      url          text        not null,
      events       text[]      not null,
      specialties  text[],
      secret       text        not null,
      is_enabled   boolean     not null default true,
      created_by   text,
      created_at   timestamptz not null default now(),
      updated_at   timestamptz not null default now(),
      constraint pk_webhook primary key (webhook_id)
    )`);
  await runner.query(`
    create table webhook_delivery (
      delivery_id      uuid        not null,
      webhook_id       uuid        not null,
      event            text        not null,
      -- Of what: one event is told to one webhook once.
      event_key        text        not null,
      body             text        not null,
      state            text        not null default 'waiting',
      attempts         integer     not null default 0,
      status           integer,
      problem          text,
      created_at       timestamptz not null default clock_timestamp(),
      last_attempt_at  timestamptz,
      delivered_at     timestamptz,
      constraint pk_webhook_delivery primary key (delivery_id),
      constraint fk_webhook_delivery_webhook foreign key (webhook_id) references webhook on delete cascade,
      constraint uq_webhook_delivery_event unique (webhook_id, event, event_key),
      constraint ck_webhook_delivery_state check (state in ('waiting', 'delivered', 'dead'))
    )`);
  await runner.query(`create index ix_webhook_delivery_created on webhook_delivery (created_at, delivery_id)`);
  await runner.query(`
    create index ix_webhook_delivery_open on webhook_delivery (state, created_at) where state <> 'delivered'`);
}

async function fileExisting(runner: QueryRunner): Promise<void> {
  await runner.query(`
    insert into worklist_entry (study_key, workitem_key, workitem_uid, state, performer, priority, deadline, rank, place,
                                specialty, modalities, body_parts, ai_state, escalate_at, arrived_at, answered_at,
                                finished_at)
    select s.study_key, w.workitem_key, w.workitem_uid, w.state, w.performer, w.priority, w.deadline,
           worklist_rank(w.state, w.priority), worklist_place(w.state, w.deadline, w.finished_at), r.specialty,
           s.modalities, worklist_body_parts(s.study_key), worklist_ai_state(s.study_key),
           -- What was due before this version knew of escalations is not told about now.
           case when w.state in ('SCHEDULED', 'IN PROGRESS') and w.deadline > now()
                then worklist_escalate_at(r.specialty, w.priority, w.deadline) end,
           s.created_at, (select min(t.created_at) from result t where t.study_key = s.study_key), w.finished_at
      from workitem w join study s using (study_key) left join study_routing r using (study_key)
     where w.kind = 'reading'`);
  await runner.query(`
    insert into study_event (study_instance_uid, kind, at)
    select s.study_instance_uid, 'received', s.created_at from worklist_entry join study s using (study_key)
     order by study_key`);
  await runner.query(`
    insert into study_event (study_instance_uid, kind, at, actor)
    select s.study_instance_uid, 'read', e.finished_at, e.performer
      from worklist_entry e join study s using (study_key) where e.state = 'COMPLETED' order by e.finished_at`);
}
