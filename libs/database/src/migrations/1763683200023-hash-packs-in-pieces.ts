import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Packs that are hashed in pieces: `sha256` is then the SHA-256 of the pieces' SHA-256, one behind the other, and
 * `piece_bytes` says how many bytes each of them has. The pieces of a pack that a series was moved into are its instances,
 * whose digests are compared in any case: each byte is hashed once. Packs that are there are hashed as one, and stay so.
 */
export class HashPacksInPieces1763683200023 implements MigrationInterface {
  name = 'HashPacksInPieces1763683200023';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table pack
        add column piece_bytes bigint[],
        add constraint ck_pack_piece_bytes check (cardinality(piece_bytes) > 0 and 0 < all (piece_bytes))`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
