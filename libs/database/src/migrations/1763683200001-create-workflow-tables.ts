import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Routing, the UPS worklist, models and their results. */
export class CreateWorkflowTables1763683200001 implements MigrationInterface {
  name = 'CreateWorkflowTables1763683200001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table routing_rule (
        rule_id     uuid        not null,
        version     integer     not null default 1,
        position    integer     not null,
        name        text        not null,
        is_enabled  boolean     not null default true,
        definition  jsonb       not null,
        created_at  timestamptz not null default now(),
        constraint pk_routing_rule primary key (rule_id, version)
      )`);

    // One row a study: how far routing has come, and on what evidence.
    await runner.query(`
      create table study_routing (
        study_key          bigint      not null,
        state              text        not null default 'receiving',
        last_received_at   timestamptz not null,
        completeness       jsonb,
        specialty          text,
        specialty_reason   text,
        decision           jsonb,
        routed_input       text,
        updated_at         timestamptz not null default now(),
        constraint pk_study_routing primary key (study_key),
        constraint fk_study_routing_study foreign key (study_key) references study,
        constraint ck_study_routing_state check (state in ('receiving', 'complete', 'routed'))
      )`);

    await runner.query(
      `create index ix_study_routing_open on study_routing (state, updated_at) where state <> 'routed'`,
    );

    // UPS (PS3.4 CC): AI tasks and reading tasks are the same kind of row. dataset is the workitem's DICOM JSON as
    // UPS-RS gives it out, without the attributes that have columns of their own and without the Transaction UID.
    await runner.query(`
      create table workitem (
        workitem_key      bigint      generated always as identity,
        workitem_uid      text        not null,
        kind              text        not null,
        study_key         bigint,
        state             text        not null default 'SCHEDULED',
        priority          text        not null default 'MEDIUM',
        priority_reason   text        not null default '',
        deadline          timestamptz,
        model_id          text,
        model_version     text,
        model_sha256      text,
        input_digest      text,
        transaction_uid   text,
        performer         text,
        attempts          integer     not null default 0,
        claimed_at        timestamptz,
        heartbeat_at      timestamptz,
        finished_at       timestamptz,
        discontinuation_reason text,
        dataset           jsonb       not null,
        created_at        timestamptz not null default now(),
        updated_at        timestamptz not null default now(),
        constraint pk_workitem primary key (workitem_key),
        constraint uq_workitem_uid unique (workitem_uid),
        constraint fk_workitem_study foreign key (study_key) references study,
        constraint ck_workitem_kind check (kind in ('ai', 'reading', 'other')),
        constraint ck_workitem_state check (state in ('SCHEDULED', 'IN PROGRESS', 'COMPLETED', 'CANCELED')),
        constraint ck_workitem_priority check (priority in ('HIGH', 'MEDIUM', 'LOW')),
        constraint ck_workitem_locked check (state <> 'IN PROGRESS' or transaction_uid is not null)
      )`);
    await runner.query(`create unique index uq_workitem_reading on workitem (study_key) where kind = 'reading'`);
    await runner.query(`
      create unique index uq_workitem_ai on workitem (study_key, model_id, model_sha256, input_digest) where kind = 'ai'`);
    await runner.query(`create index ix_workitem_study on workitem (study_key)`);
    await runner.query(`create index ix_workitem_open on workitem (kind, state, priority, deadline, workitem_key)`);

    await runner.query(`
      create table model (
        model_id       text        not null,
        version        text        not null,
        specialty      text        not null,
        sha256         text        not null,
        manifest       jsonb       not null,
        is_current     boolean     not null,
        registered_at  timestamptz not null default now(),
        constraint pk_model primary key (model_id, version)
      )`);
    await runner.query(`create unique index uq_model_current on model (model_id) where is_current`);

    // What a model said of a study. The SR in the archive is the record; this row is what the worklist reads.
    await runner.query(`
      create table result (
        result_id                uuid        not null,
        study_key                bigint      not null,
        workitem_uid             text        not null,
        model_id                 text        not null,
        model_version            text        not null,
        model_sha256             text        not null,
        input_digest             text        not null,
        outcome                  text        not null,
        priority                 text        not null,
        summary                  text        not null,
        findings                 jsonb       not null,
        runtime                  jsonb       not null,
        report_series_uid        text        not null,
        report_sop_instance_uid  text        not null,
        started_at               timestamptz not null,
        finished_at              timestamptz not null,
        created_at               timestamptz not null default now(),
        constraint pk_result primary key (result_id),
        constraint fk_result_study foreign key (study_key) references study,
        constraint fk_result_workitem foreign key (workitem_uid) references workitem (workitem_uid),
        constraint uq_result_workitem unique (workitem_uid),
        constraint ck_result_outcome check (outcome in ('positive', 'negative', 'inconclusive')),
        constraint ck_result_priority check (priority in ('HIGH', 'MEDIUM', 'LOW'))
      )`);
    await runner.query(`create index ix_result_study on result (study_key)`);

    // Small facts about this installation, such as whether the sample studies were sent.
    await runner.query(`
      create table setting (
        name        text        not null,
        value       jsonb       not null,
        updated_at  timestamptz not null default now(),
        constraint pk_setting primary key (name)
      )`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
