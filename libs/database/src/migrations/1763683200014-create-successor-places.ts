import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Where the instances of a pack went that was made part of another: for who read their rows before. Kept a while longer
 * than the pack itself, so without a reference to it.
 */
export class CreateSuccessorPlaces1763683200014 implements MigrationInterface {
  name = 'CreateSuccessorPlaces1763683200014';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table pack_successor drop constraint fk_pack_successor_pack`);
    await runner.query(`
      alter table pack_successor
        add column former_offsets bigint[] not null default '{}',
        add column offsets bigint[] not null default '{}',
        add column created_at timestamptz not null default now()`);
    await runner.query(`create index ix_pack_successor_created_at on pack_successor (created_at)`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
