import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { DataSource, query, transaction } from '#libs/database';
import { seededRules } from './seeded-rules.js';

/** Gives a new installation its first rules. One that ever had rules keeps exactly those it has. */
@Injectable()
export class SeedRules implements OnApplicationBootstrap {
  constructor(private readonly dataSource: DataSource) {}

  async onApplicationBootstrap(): Promise<void> {
    await transaction(this.dataSource, async (tx) => {
      // Two routers that start at once: the second waits here and then finds the rules.
      await query(tx, `select pg_advisory_xact_lock(hashtext('isocenter:seed-rules'))`);
      await query(
        tx,
        `insert into routing_rule (rule_id, version, position, name, definition)
         select rule_id, 1, position, name, definition
           from jsonb_to_recordset($1::jsonb) as seed (rule_id uuid, position integer, name text, definition jsonb)
          where not exists (select 1 from routing_rule)`,
        [
          JSON.stringify(
            seededRules.map((rule, index) => ({
              rule_id: rule.ruleId,
              position: (index + 1) * 10,
              name: rule.name,
              definition: rule.definition,
            })),
          ),
        ],
      );
    });
  }
}
