import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Rules as versioned data, departments of a site's own, what was said of studies being complete, and forwarding. What
 * routing asks of every study is kept in memory of each process, and read again when `routing_revision` says so: in the
 * same statement that reads the study, so that nobody decides on rules that are no longer in force.
 */
export class CreateRoutingTables1763683200009 implements MigrationInterface {
  name = 'CreateRoutingTables1763683200009';

  async up(runner: QueryRunner): Promise<void> {
    // A rule's versions are never changed once they were active: decisions name them.
    await runner.query(`
      alter table routing_rule
        add column state text not null default 'active',
        add column note text not null default '',
        add column updated_at timestamptz not null default now(),
        add constraint ck_routing_rule_state check (state in ('draft', 'active', 'retired'))`);
    await runner.query(`
      update routing_rule r set state = 'retired'
       where version < (select max(version) from routing_rule n where n.rule_id = r.rule_id)`);
    await runner.query(`create unique index uq_routing_rule_active on routing_rule (rule_id) where state = 'active'`);
    await runner.query(`create unique index uq_routing_rule_draft on routing_rule (rule_id) where state = 'draft'`);
    await runner.query(`
      create table routing_rule_change (
        change_key  bigint      generated always as identity,
        rule_id     uuid        not null,
        -- null: from then on no version of it was in force.
        version     integer,
        note        text        not null default '',
        created_at  timestamptz not null default clock_timestamp(),
        constraint pk_routing_rule_change primary key (change_key)
      )`);
    await runner.query(`create index ix_routing_rule_change_rule on routing_rule_change (rule_id, change_key)`);

    // A department. Those without a matcher are found by what the suite knows of modalities and SOP classes.
    await runner.query(`
      create table specialty (
        name        text        not null,
        title       text        not null,
        position    integer     not null default 100,
        level       text        not null default 'series',
        matcher     jsonb,
        created_at  timestamptz not null default now(),
        updated_at  timestamptz not null default now(),
        constraint pk_specialty primary key (name),
        constraint ck_specialty_level check (level in ('series', 'study'))
      )`);
    await runner.query(`
      insert into specialty (name, title, position) values
        ('pathology', 'Pathology', 10), ('cardiology', 'Cardiology', 20), ('radiology', 'Radiology', 1000)`);

    await runner.query(`
      create table routing_revision (
        only_row  boolean not null default true,
        revision  bigint  not null default 1,
        constraint pk_routing_revision primary key (only_row),
        constraint ck_routing_revision_only check (only_row)
      )`);
    await runner.query(`insert into routing_revision default values`);
    await runner.query(`
      create function revise_routing() returns trigger language plpgsql as $$
      begin
        update routing_revision set revision = revision + 1;
        return null;
      end $$`);
    for (const table of ['routing_rule', 'specialty', 'model', 'setting']) {
      await runner.query(`
        create trigger tg_${table}_revises_routing after insert or update or delete or truncate on ${table}
          for each statement execute function revise_routing()`);
    }

    // What somebody who knows said: everything is there, or how much there will be.
    await runner.query(`
      create table study_notice (
        notice_key          bigint      generated always as identity,
        study_instance_uid  text        not null,
        kind                text        not null,
        -- The procedure step that ended, or nothing.
        workitem_uid        text,
        expected_series     integer,
        expected_instances  integer,
        sop_instance_uids   text[],
        created_at          timestamptz not null default clock_timestamp(),
        constraint pk_study_notice primary key (notice_key),
        constraint ck_study_notice_kind check (kind in ('sender', 'procedure-step'))
      )`);
    await runner.query(`create index ix_study_notice_study on study_notice (study_instance_uid, notice_key)`);

    // Not before this; null: at once.
    await runner.query(`alter table workitem add column scheduled_start timestamptz`);
    // Canceled because another task covers more; no failure of the model.
    await runner.query(`alter table workitem add column is_superseded boolean not null default false`);
    await runner.query(`
      update workitem w set is_superseded = true from study_routing r
       where r.study_key = w.study_key and w.kind = 'ai' and w.state = 'CANCELED'
         and w.input_digest is distinct from r.routed_input`);

    // Other DICOMweb archives.
    await runner.query(`
      create table destination (
        name                     text        not null,
        url                      text        not null,
        is_enabled               boolean     not null default true,
        allows_private_addresses boolean     not null default false,
        authorization_header     text,
        created_at               timestamptz not null default now(),
        updated_at               timestamptz not null default now(),
        constraint pk_destination primary key (name)
      )`);
    // One order each: a set of instances to a destination. Studies come and go; what was sent where is kept.
    await runner.query(`
      create table forward (
        forward_id          uuid        not null default gen_random_uuid(),
        study_instance_uid  text        not null,
        destination         text        not null,
        input_digest        text        not null,
        series_instance_uids text[]     not null,
        rules               text[]      not null,
        hops                integer     not null,
        state               text        not null default 'scheduled',
        scheduled_start     timestamptz,
        attempts            integer     not null default 0,
        instances_sent      integer     not null default 0,
        instances_refused   integer     not null default 0,
        error               text,
        created_at          timestamptz not null default now(),
        updated_at          timestamptz not null default now(),
        finished_at         timestamptz,
        constraint pk_forward primary key (forward_id),
        constraint uq_forward unique (study_instance_uid, destination, input_digest),
        constraint ck_forward_state check (state in ('scheduled', 'sending', 'sent', 'failed', 'canceled'))
      )`);
    await runner.query(`create index ix_forward_open on forward (updated_at) where state in ('scheduled', 'sending')`);
    await runner.query(`create index ix_forward_created on forward (created_at)`);
    // What went where already: the same content never goes to the same destination twice.
    await runner.query(`
      create table forwarded_instance (
        destination       text        not null,
        sop_instance_uid  text        not null,
        sha256            bytea       not null,
        times             integer     not null default 1,
        forwarded_at      timestamptz not null default now(),
        constraint pk_forwarded_instance primary key (destination, sop_instance_uid)
      )`);
    // Studies that came from another suite which forwards, and through how many.
    await runner.query(`
      create table forwarded_study (
        study_instance_uid  text        not null,
        hops                integer     not null,
        updated_at          timestamptz not null default now(),
        constraint pk_forwarded_study primary key (study_instance_uid)
      )`);
    await runner.query(`
      create trigger tg_destination_revises_routing after insert or update or delete or truncate on destination
        for each statement execute function revise_routing()`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
