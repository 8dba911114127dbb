import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was given up, what ran where and with which scores, and versions on trial. */
export class CreateInferenceTables1763683200012 implements MigrationInterface {
  name = 'CreateInferenceTables1763683200012';

  async up(runner: QueryRunner): Promise<void> {
    // AI tasks whose last attempt failed, until an administrator has decided, and what was decided.
    await runner.query(`
      create table inference_failure (
        workitem_uid  text        not null,
        attempts      integer     not null,
        reason        text        not null,
        state         text        not null default 'failed',
        failed_at     timestamptz not null default clock_timestamp(),
        decided_by    text,
        decided_at    timestamptz,
        constraint pk_inference_failure primary key (workitem_uid),
        constraint fk_inference_failure_workitem foreign key (workitem_uid)
          references workitem (workitem_uid) on delete cascade,
        constraint ck_inference_failure_state check (state in ('failed', 'retried', 'discarded'))
      )`);
    await runner.query(`create index ix_inference_failure_state on inference_failure (state, failed_at)`);

    // A version beside the one in force: silently (shadow), or in its place (canary), on some studies.
    await runner.query(`
      create table model_trial (
        trial_key   bigint      generated always as identity,
        model_id    text        not null,
        version     text        not null,
        sha256      text        not null,
        mode        text        not null,
        percent     real        not null,
        started_at  timestamptz not null default clock_timestamp(),
        started_by  text,
        ended_at    timestamptz,
        ended_by    text,
        constraint pk_model_trial primary key (trial_key),
        constraint ck_model_trial_mode check (mode in ('shadow', 'canary')),
        constraint ck_model_trial_percent check (percent > 0 and percent <= 100)
      )`);
    await runner.query(`create unique index uq_model_trial_open on model_trial (model_id) where ended_at is null`);

    // One row for each run that came to an end. It outlives its study: it tells of the model, not of a patient.
    await runner.query(`
      create table model_run (
        run_key             bigint      generated always as identity,
        trial_key           bigint,
        role                text        not null,
        study_instance_uid  text        not null,
        model_id            text        not null,
        model_version       text        not null,
        model_sha256        text        not null,
        input_digest        text        not null,
        scanner             text        not null,
        site                text        not null,
        outcome             text        not null,
        priority            text        not null,
        scores              jsonb       not null,
        execution_provider  text        not null,
        milliseconds        integer     not null,
        created_at          timestamptz not null default clock_timestamp(),
        constraint pk_model_run primary key (run_key),
        constraint uq_model_run unique (study_instance_uid, model_sha256, input_digest, role),
        constraint ck_model_run_role check (role in ('current', 'shadow', 'canary'))
      )`);
    await runner.query(`create index ix_model_run_model on model_run (model_id, created_at)`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
