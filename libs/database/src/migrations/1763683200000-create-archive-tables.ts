import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The archive's index: packs and where their copies lie, and the study, series and instance rows that QIDO-RS reads. */
export class CreateArchiveTables1763683200000 implements MigrationInterface {
  name = 'CreateArchiveTables1763683200000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create extension if not exists pg_trgm`);

    await runner.query(`
      create table pack (
        pack_id     uuid        not null,
        bytes       bigint      not null,
        sha256      bytea       not null,
        created_at  timestamptz not null default now(),
        constraint pk_pack primary key (pack_id),
        constraint ck_pack_sha256 check (octet_length(sha256) = 32)
      )`);

    // A copy of a pack on a tier. Readers take the best 'ready' one; a move adds one and retires another.
    await runner.query(`
      create table location (
        location_id  uuid        not null,
        pack_id      uuid        not null,
        tier         text        not null,
        store        text        not null,
        key          text        not null,
        state        text        not null default 'ready',
        created_at   timestamptz not null default now(),
        retired_at   timestamptz,
        constraint pk_location primary key (location_id),
        constraint fk_location_pack foreign key (pack_id) references pack,
        constraint uq_location_key unique (store, key),
        constraint ck_location_tier check (tier in ('hot', 'warm', 'cold')),
        constraint ck_location_state check (state in ('ready', 'retired'))
      )`);
    await runner.query(`create index ix_location_pack on location (pack_id)`);
    // Searches ask of what they list whether it lies on the cold tier alone. Mostly nothing does, and this says so at once.
    await runner.query(`create index ix_location_cold on location (pack_id) where tier = 'cold' and state = 'ready'`);
    await runner.query(`create index ix_location_retired on location (retired_at) where state = 'retired'`);

    await runner.query(`
      create table study (
        study_key                 bigint      generated always as identity,
        study_instance_uid        text        not null,
        study_date                text,
        study_time                text,
        accession_number          text,
        referring_physician_name  text,
        study_description         text,
        study_id                  text,
        patient_name              text,
        patient_id                text,
        issuer_of_patient_id      text,
        patient_birth_date        text,
        patient_sex               text,
        modalities                text[]      not null default '{}',
        sop_classes               text[]      not null default '{}',
        number_of_series          integer     not null default 0,
        number_of_instances       integer     not null default 0,
        bytes                     bigint      not null default 0,
        attributes                text        not null,
        created_at                timestamptz not null default now(),
        updated_at                timestamptz not null default now(),
        constraint pk_study primary key (study_key),
        constraint uq_study_instance_uid unique (study_instance_uid)
      )`);
    // The order of search results: newest first, those without a date last.
    await runner.query(`create index ix_study_date on study (study_date desc nulls last, study_key desc)`);
    await runner.query(`create index ix_study_patient_id on study (patient_id)`);
    await runner.query(`create index ix_study_accession_number on study (accession_number)`);
    // Viewers turn what is typed into `*text*`, in every field.
    await runner.query(
      `create index ix_study_text on study using gin (patient_id gin_trgm_ops, accession_number gin_trgm_ops)`,
    );
    await runner.query(`create index ix_study_updated_at on study (updated_at)`);
    await runner.query(`create index ix_study_modalities on study using gin (modalities)`);
    // Names match whatever their case in any script, and the database's own locale may be C.
    await runner.query(
      `create index ix_study_patient_name on study using gin (lower(patient_name collate "und-x-icu") gin_trgm_ops)`,
    );
    await runner.query(`create index ix_study_description on study using gin (study_description gin_trgm_ops)`);

    await runner.query(`
      create table series (
        series_key                            bigint      generated always as identity,
        study_key                             bigint      not null,
        series_instance_uid                   text        not null,
        modality                              text,
        series_number                         integer,
        series_description                    text,
        body_part_examined                    text,
        performed_procedure_step_start_date   text,
        performed_procedure_step_start_time   text,
        number_of_instances                   integer     not null default 0,
        sop_classes                           text[]      not null default '{}',
        transfer_syntaxes                     text[]      not null default '{}',
        attributes                            text        not null,
        created_at                            timestamptz not null default now(),
        updated_at                            timestamptz not null default now(),
        version                               bigint      not null default 1,
        constraint pk_series primary key (series_key),
        constraint fk_series_study foreign key (study_key) references study,
        constraint uq_series_instance_uid unique (study_key, series_instance_uid)
      )`);
    await runner.query(`create index ix_series_instance_uid on series (series_instance_uid)`);
    await runner.query(`create index ix_series_modality on series (modality, series_key)`);

    // dicom_json is the instance's metadata as clients get it (PS3.18 F.2): served without being parsed again, so it is
    // text and not jsonb. frame_entries holds 16 bytes a frame and stays uncompressed so that one frame's entry of
    // 200,000 is a constant-time slice of the TOAST value.
    await runner.query(`
      create table instance (
        instance_key         bigint      generated always as identity,
        series_key           bigint      not null,
        study_key            bigint      not null,
        sop_instance_uid     text        not null,
        sop_class_uid        text        not null,
        instance_number      integer,
        rows                 integer,
        columns              integer,
        bits_allocated       integer,
        number_of_frames     integer,
        transfer_syntax_uid  text        not null,
        pack_id              uuid        not null,
        pack_offset          bigint      not null,
        length               bigint      not null,
        sha256               bytea       not null,
        dataset_sha256       bytea       not null,
        frame_kind           text        not null,
        pixel_data_offset    bigint,
        pixel_data_length    bigint,
        frame_bits           bigint,
        frame_entries        bytea,
        dicom_json           text        not null,
        created_at           timestamptz not null default now(),
        constraint pk_instance primary key (instance_key),
        constraint fk_instance_series foreign key (series_key) references series,
        constraint fk_instance_study foreign key (study_key) references study,
        constraint fk_instance_pack foreign key (pack_id) references pack,
        constraint uq_sop_instance_uid unique (sop_instance_uid),
        constraint ck_instance_frame_kind check (frame_kind in ('native', 'encapsulated', 'none', 'unindexable'))
      )`);
    await runner.query(`alter table instance alter column frame_entries set storage external`);
    await runner.query(`create index ix_instance_series on instance (series_key, instance_number, instance_key)`);
    await runner.query(`create index ix_instance_study on instance (study_key)`);
    await runner.query(`create index ix_instance_pack on instance (pack_id)`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
