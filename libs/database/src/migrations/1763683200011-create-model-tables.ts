import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Models that are uploaded, which version of each is in force, and who changed that. */
export class CreateModelTables1763683200011 implements MigrationInterface {
  name = 'CreateModelTables1763683200011';

  async up(runner: QueryRunner): Promise<void> {
    // sha256 names the version (model.json and model.onnx together); network_sha256 is that of model.onnx. Rows from before were
    // registered by the network alone.
    await runner.query(`
      alter table model
        add column network_sha256 text not null default '',
        add column source text not null default 'folder',
        add column bytes bigint,
        add constraint ck_model_source check (source in ('folder', 'upload'))`);
    await runner.query(`update model set network_sha256 = sha256`);

    // The files of uploaded versions, in pieces: every process that reaches the database has them, and a backup of it too.
    await runner.query(`
      create table model_file (
        model_id  text    not null,
        version   text    not null,
        name      text    not null,
        position  integer not null,
        bytes     bytea   not null,
        constraint pk_model_file primary key (model_id, version, name, position),
        constraint fk_model_file_model foreign key (model_id, version) references model on delete cascade
      )`);
    // Weights do not compress; a piece is read whole.
    await runner.query(`alter table model_file alter column bytes set storage external`);

    // What an administrator chose to be in force; without a choice it is the highest version.
    await runner.query(`
      create table model_choice (
        model_id   text        not null,
        version    text        not null,
        chosen_at  timestamptz not null default now(),
        constraint pk_model_choice primary key (model_id)
      )`);

    // What was done, by whom: kept when the version is gone, so that its number never stands for other bytes.
    await runner.query(`
      create table model_change (
        change_key  bigint      generated always as identity,
        model_id    text        not null,
        version     text        not null,
        sha256      text        not null,
        act         text        not null,
        by_whom     text,
        note        text        not null default '',
        created_at  timestamptz not null default clock_timestamp(),
        constraint pk_model_change primary key (change_key),
        constraint ck_model_change_act check (act in ('uploaded', 'activated', 'rolled back', 'deleted'))
      )`);
    await runner.query(`create index ix_model_change_model on model_change (model_id, change_key)`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
