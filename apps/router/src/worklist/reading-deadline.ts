import { type DataSource, query, type Transaction } from '#libs/database';
import type { Priority } from '#libs/workitems';

export interface ReadingTerms {
  arrivedAt: Date;
  /** null: not known yet. */
  specialty: string | null;
  priority: Priority;
  /** What a rule asks for; null: nothing. */
  ruleMinutes: number | null;
}

/** When a study should have been read: as the service level of its specialty and priority says, or a rule if sooner. */
export async function readingDeadline(db: DataSource | Transaction, terms: ReadingTerms): Promise<Date> {
  const [level] = await query<{ minutes: number }>(
    db,
    `select read_within_minutes as minutes from service_level
      where priority = $1 and specialty in ($2, '*') order by specialty = '*' limit 1`,
    [terms.priority, terms.specialty ?? '*'],
  );
  if (level === undefined) throw new Error(`There is no service level for ${terms.priority}`);
  const minutes = Math.min(level.minutes, terms.ruleMinutes ?? Number.POSITIVE_INFINITY);
  return new Date(terms.arrivedAt.getTime() + minutes * 60_000);
}
