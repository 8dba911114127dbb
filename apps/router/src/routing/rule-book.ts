import { queryPreparedIn, readSetting, type Transaction } from '#libs/database';
import type { MatchMode } from './evaluate-rules.js';
import { offPeakDefault, type OffPeakHours, offPeakSchema } from './off-peak.js';
import type { RegisteredModel } from './resolve-models.js';
import { readMatchMode, readModels, readRules } from './routing-repository.js';
import type { RoutingRule } from './rule.js';
import { readSiteSpecialties, type SiteSpecialty } from './site-specialties.js';

/** All that routing asks for every study and that seldom changes. */
export interface RuleBook {
  revision: number;
  rules: RoutingRule[];
  mode: MatchMode;
  models: RegisteredModel[];
  specialties: SiteSpecialty[];
  offPeak: OffPeakHours;
}

/**
 * Keeps the rule book in memory. Whether it still holds is asked of the database with every look at studies, in one short
 * statement for all of them: nobody decides by rules that are no longer in force, and no notification can be missed.
 */
export class RuleBooks {
  private kept: RuleBook | undefined;

  async read(tx: Transaction): Promise<RuleBook> {
    const [row] = await queryPreparedIn<{ revision: number }>(
      tx,
      'routing-revision',
      'select revision from routing_revision',
      [],
    );
    // What is read after the revision may be newer than it says; it is read again then, once too often.
    const { revision } = row!;
    if (this.kept?.revision === revision) return this.kept;
    this.kept = {
      revision,
      rules: await readRules(tx),
      mode: await readMatchMode(tx),
      models: await readModels(tx),
      specialties: await readSiteSpecialties(tx),
      offPeak: await readOffPeak(tx),
    };
    return this.kept;
  }
}

/** Setting `routing-off-peak`. */
export async function readOffPeak(tx: Transaction): Promise<OffPeakHours> {
  const value = await readSetting(tx, 'routing-off-peak');
  return value === undefined ? offPeakDefault : offPeakSchema.parse(value);
}
