import { Controller, Get } from '@nestjs/common';
import { Access } from '#libs/auth';
import { DataSource } from '#libs/database';
import { readMatchMode, readRules } from '../routing/routing-repository.js';
import { ruleDefinitionSchema, type RoutingRule } from '../routing/rule.js';

/** A rule, and whether it can be used as it stands. */
export interface RuleAnswer extends RoutingRule {
  problem: string | null;
}

/** The rules by which studies go to models. */
@Controller('api/rules')
@Access('read')
export class RulesController {
  constructor(private readonly dataSource: DataSource) {}

  @Get()
  async list(): Promise<{ match: 'all' | 'first'; rules: RuleAnswer[] }> {
    const rules = await readRules(this.dataSource);
    return {
      match: await readMatchMode(this.dataSource),
      rules: rules.map((rule) => {
        const parsed = ruleDefinitionSchema.safeParse(rule.definition);
        return { ...rule, problem: parsed.success ? null : parsed.error.message };
      }),
    };
  }
}
