import { type DataSource, execute, query, type Transaction } from '#libs/database';
import { parseMatcher, type RuleProblem } from './parse-matcher.js';
import type { Matcher, MatchLevel } from './rule.js';

/** A department: one of the three the suite knows by itself, or one that a site has added. */
export interface SiteSpecialty {
  name: string;
  title: string;
  /** Those with a matcher are asked in this order, before the suite's own knowledge. */
  position: number;
  level: MatchLevel;
  /** null: found by what the suite knows of modalities and SOP classes. */
  matcher: Matcher | null;
}

/** Found without a matcher by {@link chooseSpecialty}; they can be given one, and not be taken away. */
export const builtInSpecialties = ['pathology', 'cardiology', 'radiology'];

interface SpecialtyRow {
  name: string;
  title: string;
  position: number;
  level: MatchLevel;
  matcher: unknown;
}

export async function readSiteSpecialties(db: DataSource | Transaction): Promise<SiteSpecialty[]> {
  const rows = await query<SpecialtyRow>(
    db,
    'select name, title, position, level, matcher from specialty order by position, name',
  );
  return rows.map((row) => {
    const problems: RuleProblem[] = [];
    const matcher = row.matcher === null ? null : parseMatcher(row.matcher, 'matcher', problems);
    // Written by a hand of its own into the table: as if it had none.
    return { ...row, matcher: problems.length > 0 ? null : matcher };
  });
}

export async function saveSiteSpecialty(db: DataSource, specialty: SiteSpecialty): Promise<void> {
  await query(
    db,
    `insert into specialty (name, title, position, level, matcher) values ($1, $2, $3, $4, $5)
     on conflict on constraint pk_specialty do update
       set title = $2, position = $3, level = $4, matcher = $5, updated_at = now()`,
    [
      specialty.name,
      specialty.title,
      specialty.position,
      specialty.level,
      specialty.matcher === null ? null : JSON.stringify(specialty.matcher),
    ],
  );
}

/** @returns false when there is none */
export async function deleteSiteSpecialty(db: DataSource, name: string): Promise<boolean> {
  return (await execute(db, 'delete from specialty where name = $1', [name])) > 0;
}
