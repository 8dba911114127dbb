import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What says where pixel data belongs, what is on its way there, and what was found out about the copies. */
export class CreateTieringTables1763683200013 implements MigrationInterface {
  name = 'CreateTieringTables1763683200013';

  async up(runner: QueryRunner): Promise<void> {
    // Asked in order; the first that matches a study decides.
    await runner.query(`
      create table tiering_policy (
        policy_id   uuid        not null,
        position    integer     not null,
        name        text        not null,
        is_enabled  boolean     not null default true,
        definition  jsonb       not null,
        updated_at  timestamptz not null default now(),
        constraint pk_tiering_policy primary key (policy_id),
        constraint uq_tiering_policy_name unique (name)
      )`);

    // By UID and not by key: a hold outlives the deletion and the return of its study.
    await runner.query(`
      create table study_hold (
        study_instance_uid  text        not null,
        kind                text        not null,
        tier                text,
        reason              text        not null default '',
        placed_at           timestamptz not null default now(),
        constraint pk_study_hold primary key (study_instance_uid, kind),
        constraint ck_study_hold_kind check (kind in ('pin', 'legal-hold')),
        constraint ck_study_hold_tier check ((kind = 'pin') = (tier is not null) and tier in ('hot', 'warm', 'cold'))
      )`);

    // When somebody last read from the pack, to the hour.
    await runner.query(`alter table pack add column last_read_at timestamptz`);
    // Emptied by a compaction, it stays for those who read its rows before: until then.
    await runner.query(`alter table pack add column keep_until timestamptz`);
    await runner.query(`
      create table pack_successor (
        pack_id       uuid not null,
        successor_id  uuid not null,
        constraint pk_pack_successor primary key (pack_id, successor_id),
        constraint fk_pack_successor_pack foreign key (pack_id) references pack on delete cascade
      )`);

    // When the copy's digest was last compared, and what was wrong with it when it was.
    await runner.query(`alter table location add column verified_at timestamptz`);
    await runner.query(`alter table location add column damage text`);
    await runner.query(
      `create index ix_location_verified on location (coalesce(verified_at, created_at)) where state = 'ready'`,
    );
    await runner.query(`create index ix_location_damage on location (location_id) where damage is not null`);

    // Bytes of a pack that lie on the hot tier, too, in a pack of their own: what previews are made of.
    await runner.query(`
      create table kept_range (
        pack_id       uuid   not null,
        pack_offset   bigint not null,
        length        bigint not null,
        kept_pack_id  uuid   not null,
        kept_offset   bigint not null,
        constraint pk_kept_range primary key (pack_id, pack_offset),
        constraint fk_kept_range_pack foreign key (pack_id) references pack on delete cascade,
        constraint fk_kept_range_kept_pack foreign key (kept_pack_id) references pack on delete cascade
      )`);
    await runner.query(`create index ix_kept_range_kept_pack on kept_range (kept_pack_id)`);

    // A series on its way to a tier. What was copied and not yet switched to is named here, so that a move that was cut
    // off goes on from there.
    await runner.query(`
      create table series_move (
        move_id              uuid        not null,
        study_instance_uid   text        not null,
        series_instance_uid  text        not null,
        tier                 text        not null,
        reason               text        not null default '',
        state                text        not null default 'waiting',
        bytes                bigint      not null default 0,
        bytes_done           bigint      not null default 0,
        store                text,
        key                  text,
        layout_digest        bytea,
        error                text,
        ordered_at           timestamptz not null default now(),
        started_at           timestamptz,
        updated_at           timestamptz not null default now(),
        finished_at          timestamptz,
        constraint pk_series_move primary key (move_id),
        constraint ck_series_move_tier check (tier in ('hot', 'warm', 'cold')),
        constraint ck_series_move_state
          check (state in ('waiting', 'copying', 'verifying', 'done', 'failed', 'superseded'))
      )`);
    await runner.query(`
      create unique index uq_series_move_open on series_move (study_instance_uid, series_instance_uid)
       where state in ('waiting', 'copying', 'verifying')`);
    await runner.query(`create index ix_series_move_updated_at on series_move (updated_at)`);

    // Packs of an archive class that are brought back: one a pack, however many ask.
    await runner.query(`
      create table pack_recall (
        pack_id       uuid        not null,
        state         text        not null default 'requested',
        bytes         bigint      not null,
        reason        text        not null default '',
        error         text,
        requested_at  timestamptz not null default now(),
        updated_at    timestamptz not null default now(),
        finished_at   timestamptz,
        constraint pk_pack_recall primary key (pack_id),
        constraint fk_pack_recall_pack foreign key (pack_id) references pack on delete cascade,
        constraint ck_pack_recall_state check (state in ('requested', 'restoring', 'copying', 'done', 'failed'))
      )`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
