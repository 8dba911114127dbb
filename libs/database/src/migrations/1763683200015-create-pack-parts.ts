import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Packs whose frames were compressed without loss on their way. Instances keep their place, length and digest as they
 * came; a pack that says how it is encoded has `bytes` and `sha256` of what is stored, and a row for each object in it
 * that says which stored bytes it is made of.
 */
export class CreatePackParts1763683200015 implements MigrationInterface {
  name = 'CreatePackParts1763683200015';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table pack
        add column encoding text,
        add column original_bytes bigint,
        add constraint ck_pack_encoding check (encoding in ('htj2k-lossless')),
        add constraint ck_pack_original_bytes check ((encoding is null) = (original_bytes is null))`);
    // That of the pack, so that who looks for the nearest copy need not look there, too.
    await runner.query(`alter table location add column encoding text`);
    await runner.query(`
      create table pack_part (
        pack_id        uuid   not null,
        pack_offset    bigint not null,
        length         bigint not null,
        stored_offset  bigint not null,
        stored_length  bigint not null,
        frames_offset  bigint,
        frame_bytes    bigint,
        frame_lengths  bytea,
        frame_shape    jsonb,
        constraint pk_pack_part primary key (pack_id, pack_offset),
        constraint fk_pack_part_pack foreign key (pack_id) references pack on delete cascade
      )`);
    await runner.query(`
      alter table series_move
        add column recompress text,
        add column stored_bytes bigint,
        add column kept_as_is jsonb,
        add constraint ck_series_move_recompress check (recompress in ('htj2k-lossless'))`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
