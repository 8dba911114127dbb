import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { Access } from '#libs/auth';
import { DataSource, type Transaction, transaction } from '#libs/database';
import { HttpProblem } from '#libs/server';
import { z } from 'zod';
import { parseRule, problemsText } from '../routing/parse-rule.js';
import { readMatchMode } from '../routing/routing-repository.js';
import { problemsOfReferences } from '../routing/rule-references.js';
import {
  activateVersion,
  createRule,
  discardDraft,
  listRules,
  lockRule,
  readRuleChanges,
  readRuleVersions,
  retireRule,
  type RuleChange,
  type RuleVersion,
  saveDraft,
  versionBefore,
} from '../routing/rule-versions.js';
import { badBody, type BodyProblem, readBody } from './read-body.js';
import { type Replay, replayedStudiesMax, replayRule } from './replay-rules.js';

/** A version of a rule, and whether it can be used as it stands. */
export interface RuleAnswer extends RuleVersion {
  problem: string | null;
}

const changesMax = 100;
const note = z.string().max(500).default('');
const draft = z.strictObject({
  name: z.string().trim().min(1).max(200),
  /** Rules are asked from the lowest on. */
  position: z.number().int().min(0).max(1_000_000).optional(),
  isEnabled: z.boolean().default(true),
  note,
  definition: z.unknown().optional(),
});

const replayed = z.strictObject({
  ruleId: z.string().optional(),
  version: z.number().int().positive().optional(),
  name: z.string().max(200).optional(),
  position: z.number().int().min(0).max(1_000_000).optional(),
  definition: z.unknown().optional(),
  /** So many of the newest. */
  studies: z.number().int().min(1).max(replayedStudiesMax).default(100),
  studyInstanceUids: z
    .array(z.string().regex(/^[0-9.]{1,64}$/, 'a UID has digits and dots, at most 64'))
    .min(1)
    .max(replayedStudiesMax)
    .optional(),
});

/** The rules by which studies go to models and to other archives, and how they change (docs/routing.md). */
@Controller('api/rules')
export class RulesController {
  constructor(private readonly dataSource: DataSource) {}

  @Get()
  @Access('read')
  async list(): Promise<{
    match: 'all' | 'first';
    rules: RuleAnswer[];
    drafts: RuleAnswer[];
    retired: RuleAnswer[];
  }> {
    const rules = (await listRules(this.dataSource)).map(answer);
    const of = (state: RuleVersion['state']) => rules.filter((rule) => rule.state === state);
    return {
      match: await readMatchMode(this.dataSource),
      rules: of('active'),
      drafts: of('draft'),
      retired: of('retired'),
    };
  }

  /** All versions, and which decided when. */
  @Get(':ruleId')
  @Access('read')
  async read(@Param('ruleId') ruleId: string): Promise<{ versions: RuleAnswer[]; changes: RuleChange[] }> {
    const versions = found(await readRuleVersions(this.dataSource, idOf(ruleId)));
    return { versions: versions.map(answer), changes: await readRuleChanges(this.dataSource, ruleId, changesMax) };
  }

  /** A new rule as a draft: it decides nothing until it is activated. */
  @Post()
  @Access('admin')
  create(@Body() body: unknown): Promise<RuleAnswer> {
    const { position, ...rule } = readDraft(body);
    return transaction(this.dataSource, async (tx) => {
      await check(tx, rule.definition);
      return answer(await createRule(tx, { ...rule, position: position ?? null }));
    });
  }

  /** Says what is wrong with a rule, and keeps nothing. */
  @Post('check')
  @HttpCode(200)
  @Access('read')
  async check(@Body() body: unknown): Promise<{ isUsable: boolean; problems: BodyProblem[] }> {
    const problems = await problemsOf(this.dataSource, readDraft(body).definition);
    return { isUsable: problems.length === 0, problems };
  }

  /**
   * A draft against the studies that are here, before it goes live: which it would match, what would change for them, and
   * what that costs. Of the rule in the body, or of a version that is kept.
   */
  @Post('replay')
  @HttpCode(200)
  @Access('read')
  async replay(@Body() body: unknown): Promise<Replay> {
    const given = readBody(replayed, body);
    const kept = given.ruleId === undefined ? [] : found(await readRuleVersions(this.dataSource, idOf(given.ruleId)));
    const version = kept.find((one) => one.version === given.version) ?? kept[0];
    if (given.version !== undefined && version?.version !== given.version) {
      throw new HttpProblem(404, 'No such version', `The rule has no version ${given.version}.`);
    }
    const definition = given.definition ?? version?.definition;
    const problems = await problemsOf(this.dataSource, definition);
    if (problems.length > 0) throw badBody(problems, 'The rule is refused');
    const rule = {
      ruleId: version?.ruleId ?? 'draft',
      version: version?.version ?? 1,
      name: given.name ?? version?.name ?? 'Draft',
      position: given.position ?? version?.position ?? 1_000_000,
      isEnabled: true,
      definition,
    };
    return replayRule(this.dataSource, rule, given.studyInstanceUids ?? given.studies);
  }

  /** Writes the draft of a rule; the version that decides stays as it is. */
  @Put(':ruleId')
  @Access('admin')
  update(@Param('ruleId') ruleId: string, @Body() body: unknown): Promise<RuleAnswer> {
    const { position, ...rule } = readDraft(body);
    return transaction(this.dataSource, async (tx) => {
      const [newest] = found(await lockRule(tx, idOf(ruleId)));
      await check(tx, rule.definition);
      return answer(await saveDraft(tx, ruleId, { ...rule, position: position ?? newest!.position }));
    });
  }

  @Delete(':ruleId/draft')
  @HttpCode(204)
  @Access('admin')
  async discard(@Param('ruleId') ruleId: string): Promise<void> {
    const was = await transaction(this.dataSource, async (tx) => {
      found(await lockRule(tx, idOf(ruleId)));
      return discardDraft(tx, ruleId);
    });
    if (!was) throw new HttpProblem(404, 'No draft', 'The rule has no draft.');
  }

  /** From now on the draft decides, or the version that is named: also an older one. */
  @Post(':ruleId/activate')
  @HttpCode(200)
  @Access('admin')
  activate(@Param('ruleId') ruleId: string, @Body() body: unknown): Promise<RuleAnswer> {
    const given = readBody(z.strictObject({ version: z.number().int().positive().optional(), note }), body);
    return transaction(this.dataSource, async (tx) => {
      const versions = found(await lockRule(tx, idOf(ruleId)));
      const version = versions.find((one) =>
        given.version === undefined ? one.state === 'draft' : one.version === given.version,
      );
      if (version === undefined) {
        const known = versions.map((one) => `${one.version} (${one.state})`).join(', ');
        const what = given.version === undefined ? 'no draft to activate' : `no version ${given.version}`;
        throw new HttpProblem(409, 'Nothing to activate', `The rule has ${what}; it has the versions ${known}.`);
      }
      return this.decideBy(tx, version, given.note);
    });
  }

  /** Back to the version that decided before. */
  @Post(':ruleId/rollback')
  @HttpCode(200)
  @Access('admin')
  rollBack(@Param('ruleId') ruleId: string, @Body() body: unknown): Promise<RuleAnswer> {
    const given = readBody(z.strictObject({ note }), body);
    return transaction(this.dataSource, async (tx) => {
      const versions = found(await lockRule(tx, idOf(ruleId)));
      const before = await versionBefore(tx, ruleId);
      const version = versions.find((one) => one.version === before);
      if (version === undefined) {
        throw new HttpProblem(409, 'Nothing to go back to', 'No other version of the rule was ever active.');
      }
      return this.decideBy(tx, version, given.note);
    });
  }

  /** The rule decides nothing any more. Its versions stay, and any can be activated again. */
  @Delete(':ruleId')
  @HttpCode(204)
  @Access('admin')
  async retire(@Param('ruleId') ruleId: string): Promise<void> {
    await transaction(this.dataSource, async (tx) => {
      const versions = found(await lockRule(tx, idOf(ruleId)));
      await retireRule(tx, ruleId, '');
      // A rule that never decided leaves nothing behind.
      if (versions.every(({ state }) => state === 'draft')) await discardDraft(tx, ruleId);
    });
  }

  private async decideBy(tx: Transaction, version: RuleVersion, why: string): Promise<RuleAnswer> {
    await check(tx, version.definition);
    await activateVersion(tx, version.ruleId, version.version, why);
    const versions = await readRuleVersions(tx, version.ruleId);
    return answer(versions.find((one) => one.version === version.version)!);
  }
}

function answer(rule: RuleVersion): RuleAnswer {
  const { problems } = parseRule(rule.definition);
  return { ...rule, problem: problems.length === 0 ? null : problemsText(problems) };
}

function readDraft(body: unknown) {
  const { definition, ...rule } = readBody(draft, body);
  return { ...rule, definition };
}

async function problemsOf(db: DataSource | Transaction, given: unknown): Promise<BodyProblem[]> {
  const { definition, problems } = parseRule(given);
  const all = definition === undefined ? problems : await problemsOfReferences(db, definition);
  return all.map(({ at, message }) => ({ at: at === '' ? 'definition' : `definition.${at}`, message }));
}

/** @throws HttpProblem 400 with all that is wrong */
async function check(tx: Transaction, definition: unknown): Promise<void> {
  const problems = await problemsOf(tx, definition);
  if (problems.length > 0) throw badBody(problems, 'The rule is refused');
}

function idOf(ruleId: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(ruleId)) return ruleId;
  throw noSuchRule();
}

function found(versions: RuleVersion[]): RuleVersion[] {
  if (versions.length === 0) throw noSuchRule();
  return versions;
}

function noSuchRule(): HttpProblem {
  return new HttpProblem(404, 'No such rule', 'There is no rule with the id in the path; GET /api/rules lists them.');
}
