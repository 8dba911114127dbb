import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put } from '@nestjs/common';
import { Access } from '#libs/auth';
import { BlobStores } from '#libs/blobs';
import { HttpProblem } from '#libs/server';
import { z } from 'zod';
import { EstimateMoves, type MovesEstimate } from './estimate-moves.js';
import { PlanTieringJob } from './plan-tiering.job.js';
import { policySchema } from './policy.js';
import { type StoredPolicy, TieringPolicies } from './tiering-policies.js';
import { type RecompressionTrial, TryRecompression } from './try-recompression.js';

const nameSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/);
/** As they are listed, so that what was listed can be changed and tried. */
const triedPolicySchema = policySchema.extend({ name: nameSchema, isBuiltIn: z.boolean().optional() });
const dryRunSchema = z.strictObject({ policies: z.array(triedPolicySchema).min(1).max(100).optional() });
const studiesMax = 200_000;
/** Somebody waits for the answer of a dry run: frames are compressed for so long to find out what that saves. */
const trialMilliseconds = 10_000;

/** The policies by which studies go to colder tiers, and what they would do. */
@Controller('api/storage/policies')
@Access('admin')
export class PoliciesController {
  constructor(
    private readonly policies: TieringPolicies,
    private readonly plan: PlanTieringJob,
    private readonly stores: BlobStores,
    private readonly recompression: TryRecompression,
  ) {}

  /** In the order they are asked; the first that matches a study decides. */
  @Get()
  async list(): Promise<{ policies: StoredPolicy[] }> {
    return { policies: await this.policies.list() };
  }

  /**
   * What would move now, and what it would cost. Moves nothing.
   * @param body `{"policies": […]}` to try others than those that are stored, by their positions, else as they are given
   */
  @Post('dry-run')
  @HttpCode(200)
  async dryRun(@Body() body: unknown): Promise<MovesEstimate> {
    const { policies } = parse(dryRunSchema, body ?? {}, 'Not a dry run');
    const estimate = new EstimateMoves(this.stores);
    let seen = 0;
    const tried = policies?.filter(({ isEnabled }) => isEnabled).toSorted((a, b) => a.position - b.position);
    for await (const { moves, studies } of this.plan.preview(tried)) {
      estimate.add(moves);
      seen += studies;
      if (seen >= studiesMax) break;
    }
    const trials = new Map<string, RecompressionTrial>();
    const until = performance.now() + trialMilliseconds;
    for (const [group, sample] of estimate.samples()) trials.set(group, await this.recompression.try(sample, until));
    return estimate.result(seen, seen >= studiesMax, trials);
  }

  @Put(':name')
  @HttpCode(204)
  async put(@Param('name') name: string, @Body() body: unknown): Promise<void> {
    if (!nameSchema.safeParse(name).success || name === 'default') {
      const detail =
        'A name has letters, digits, spaces, dots, hyphens and underscores, 64 at most; `default` is built in.';
      throw new HttpProblem(400, 'Not a name for a policy', detail);
    }
    await this.policies.put(name, parse(policySchema, body, 'Not a policy'));
  }

  @Delete(':name')
  @HttpCode(204)
  async delete(@Param('name') name: string): Promise<void> {
    if (await this.policies.delete(name)) return;
    throw new HttpProblem(404, 'No such policy', `There is no policy ${JSON.stringify(name)} that could be deleted.`);
  }
}

export function parse<Schema extends z.ZodType>(schema: Schema, body: unknown, title: string): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the body'}: ${message}`);
  throw new HttpProblem(400, title, issues.join('; '));
}
