import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was deleted or replaced, for as long as it can be brought back; and the change feed. */
export class CreateDeletionAndChangeTables1763683200003 implements MigrationInterface {
  name = 'CreateDeletionAndChangeTables1763683200003';

  async up(runner: QueryRunner): Promise<void> {
    // One row a deletion, kept for good: it is why 410 is answered for what is no longer here. `takes_study` and
    // `takes_series` say that nothing of them was left, whatever level was asked for.
    await runner.query(`
      create table deletion (
        deletion_id          uuid        not null,
        cause                text        not null,
        level                text        not null,
        study_instance_uid   text        not null,
        series_instance_uid  text,
        sop_instance_uid     text,
        takes_study          boolean     not null,
        takes_series         boolean     not null,
        reason               text,
        instances            integer     not null,
        bytes                bigint      not null,
        deleted_at           timestamptz not null default now(),
        recoverable_until    timestamptz not null,
        state                text        not null default 'recoverable',
        ended_at             timestamptz,
        constraint pk_deletion primary key (deletion_id),
        constraint ck_deletion_cause check (cause in ('deleted', 'replaced')),
        constraint ck_deletion_level check (level in ('study', 'series', 'instance')),
        constraint ck_deletion_state check (state in ('recoverable', 'restored', 'purged'))
      )`);
    await runner.query(`create index ix_deletion_study on deletion (study_instance_uid)`);
    await runner.query(`create index ix_deletion_deleted_at on deletion (deleted_at desc, deletion_id)`);
    await runner.query(
      `create index ix_deletion_recoverable on deletion (recoverable_until) where state = 'recoverable'`,
    );

    // Whole rows, moved: tables that are read hold only what is there, and no reader needs one more condition. The study
    // and the series are copied with every deletion, so that each can be brought back whatever became of the others.
    for (const table of ['study', 'series', 'instance']) {
      await runner.query(`create table deleted_${table} (deletion_id uuid not null, like ${table})`);
      await runner.query(`
        alter table deleted_${table}
          add constraint pk_deleted_${table} primary key (deletion_id, ${table}_key),
          add constraint fk_deleted_${table}_deletion foreign key (deletion_id) references deletion`);
    }
    await runner.query(`alter table deleted_instance alter column frame_entries set storage external`);
    // A pack is needed for as long as one of its instances can be brought back.
    await runner.query(
      `alter table deleted_instance add constraint fk_deleted_instance_pack foreign key (pack_id) references pack`,
    );
    await runner.query(`create index ix_deleted_instance_pack on deleted_instance (pack_id)`);
    await runner.query(`create index ix_deleted_instance_uid on deleted_instance (sop_instance_uid)`);

    // Nothing refers to the pack any more: its copies may go.
    await runner.query(`alter table pack add column emptied_at timestamptz`);
    await runner.query(`create index ix_pack_emptied on pack (emptied_at) where emptied_at is not null`);

    // What was to be done about a study outlives it, without its row.
    await runner.query(`alter table workitem add column former_study_uid text`);
    await runner.query(
      `create index ix_workitem_former_study on workitem (former_study_uid) where former_study_uid is not null`,
    );
    await runner.query(`alter table result alter column study_key drop not null`);

    // Written in the transaction of what it tells, numbered when it is read (libs/archive/src/changes).
    await runner.query(`
      create table change (
        change_key           bigint      generated always as identity,
        sequence             bigint,
        action               text        not null,
        instance_key         bigint      not null,
        study_instance_uid   text        not null,
        series_instance_uid  text        not null,
        sop_instance_uid     text        not null,
        changed_at           timestamptz not null default now(),
        constraint pk_change primary key (change_key),
        constraint ck_change_action check (action in ('create', 'update', 'delete', 'restore'))
      )`);
    await runner.query(`create unique index uq_change_sequence on change (sequence) where sequence is not null`);
    await runner.query(`create index ix_change_unnumbered on change (change_key) where sequence is null`);
    await runner.query(`create index ix_change_changed_at on change using brin (changed_at)`);

    // One row: how far the numbers have come, and up to where they were trimmed.
    await runner.query(`
      create table change_feed (
        feed_key         smallint    not null default 1,
        last_sequence    bigint      not null default 0,
        trimmed_through  bigint      not null default 0,
        constraint pk_change_feed primary key (feed_key),
        constraint ck_change_feed_key check (feed_key = 1)
      )`);
    // Here and not in a job: what was stored before must have the first numbers, in the order it came.
    await runner.query(`
      insert into change (sequence, action, instance_key, study_instance_uid, series_instance_uid, sop_instance_uid,
                          changed_at)
      select row_number() over (order by i.instance_key), 'create', i.instance_key, st.study_instance_uid,
             se.series_instance_uid, i.sop_instance_uid, i.created_at
        from instance i join series se using (series_key) join study st on st.study_key = i.study_key
       order by i.instance_key`);
    await runner.query(`insert into change_feed (last_sequence) select count(*) from change`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
