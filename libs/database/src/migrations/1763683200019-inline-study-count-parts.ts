import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The part of a date that a level counts by, as an expression that statements take in: PostgreSQL calls a function that is
 * strict for each row, which took milliseconds where a hundred new studies were not added up yet.
 */
export class InlineStudyCountParts1763683200019 implements MigrationInterface {
  name = 'InlineStudyCountParts1763683200019';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create or replace function study_count_part(study_date text, level integer) returns text
        language sql immutable parallel safe
        return case level when 0 then '' when 1 then left(study_date, 4) when 2 then left(study_date, 6) else study_date end`);
  }

  async down(): Promise<void> {
    throw new Error('Migrations go forward only: restore a backup to go back.');
  }
}
