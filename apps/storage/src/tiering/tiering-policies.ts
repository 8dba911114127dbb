import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, execute, query } from '#libs/database';
import { type Policy, type PolicyDefinition, policyDefinitionSchema, usualPolicy } from './policy.js';

export interface StoredPolicy extends PolicyDefinition {
  name: string;
  position: number;
  isEnabled: boolean;
  /** It cannot be changed here: it comes from the configuration, and is asked last. */
  isBuiltIn: boolean;
}

/** The policies by which studies go to colder tiers, as rows. */
@Injectable()
export class TieringPolicies {
  constructor(
    private readonly dataSource: DataSource,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** In the order they are asked, those that are switched off and the one that is built in included. */
  async list(): Promise<StoredPolicy[]> {
    const rows = await query<{ name: string; position: number; isEnabled: boolean; definition: unknown }>(
      this.dataSource,
      `select name, position, is_enabled as "isEnabled", definition from tiering_policy order by position, name`,
    );
    const stored = rows.map(({ definition, ...row }) => ({
      ...row,
      ...policyDefinitionSchema.parse(definition),
      isBuiltIn: false,
    }));
    const usual = usualPolicy(this.config);
    return [...stored, { ...usual, position: 2 ** 31 - 1, isEnabled: true, isBuiltIn: true }];
  }

  /** Those that are asked. */
  async active(): Promise<Policy[]> {
    const all = await this.list();
    return all.filter(({ isEnabled }) => isEnabled).map(({ name, match, steps }) => ({ name, match, steps }));
  }

  async put(
    name: string,
    { position, isEnabled, ...definition }: Omit<StoredPolicy, 'name' | 'isBuiltIn'>,
  ): Promise<void> {
    await query(
      this.dataSource,
      `insert into tiering_policy (policy_id, name, position, is_enabled, definition) values ($1, $2, $3, $4, $5)
       on conflict on constraint uq_tiering_policy_name do update
         set position = excluded.position, is_enabled = excluded.is_enabled, definition = excluded.definition,
             updated_at = now()`,
      [randomUUID(), name, position, isEnabled, JSON.stringify(definition)],
    );
  }

  /** @returns whether there was one */
  async delete(name: string): Promise<boolean> {
    return (await execute(this.dataSource, 'delete from tiering_policy where name = $1', [name])) > 0;
  }
}
