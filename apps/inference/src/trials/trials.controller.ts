import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { Access, type Identity, Who } from '#libs/auth';
import { DataSource, transaction } from '#libs/database';
import { HttpProblem } from '#libs/server';
import { z } from 'zod';
import { getModel } from '../models/packages/model-repository.js';
import {
  type Disagreement,
  type Grouping,
  groupings,
  readDisagreement,
  readDrift,
  type ScoreDrift,
} from './compare-runs.js';
import { endTrial, openTrial, startTrial, type Trial } from './trial-repository.js';

const trialBody = z.strictObject({
  version: z.string().regex(/^\d+\.\d+\.\d+$/, 'a version such as 2.0.0'),
  mode: z.enum(['shadow', 'canary'], 'shadow (silently beside the version in force) or canary (in its place)'),
  percent: z.number().gt(0).max(100),
});
const weeksUsual = 12;

export interface TrialAnswer {
  model: string;
  version: string;
  sha256: string;
  mode: Trial['mode'];
  percent: number;
  startedAt: string;
  startedBy: string | null;
}

/** A new version on some studies, silently or in earnest, before it is activated; and what becomes of scores over time. */
@Controller('api/models/:specialty/:name')
export class TrialsController {
  constructor(private readonly dataSource: DataSource) {}

  @Put('trial')
  @HttpCode(200)
  @Access('admin')
  async start(
    @Param('specialty') specialty: string,
    @Param('name') name: string,
    @Body() body: unknown,
    @Who() who: Identity,
  ): Promise<TrialAnswer> {
    const modelId = `${specialty}/${name}`;
    const parsed = trialBody.safeParse(body);
    if (!parsed.success)
      throw new HttpProblem(
        400,
        'Bad Request',
        parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`).join('; '),
      );
    const { version, mode, percent } = parsed.data;
    await transaction(this.dataSource, async (tx) => {
      const row = await getModel(tx, modelId, version);
      if (!row) throw new HttpProblem(404, 'Not Found', `There is no model ${modelId} ${version}.`);
      if (row.isCurrent)
        throw new HttpProblem(409, 'Conflict', `${modelId} ${version} is in force; another version can be on trial.`);
      await startTrial(tx, { modelId, version, sha256: row.sha256, mode, percent }, who.name);
    });
    return shown(await this.trialOf(modelId));
  }

  /** What the version on trial says otherwise than the one in force, of the same studies. */
  @Get('trial')
  @Access('admin')
  async read(
    @Param('specialty') specialty: string,
    @Param('name') name: string,
    @Query('by') by: string = 'all',
  ): Promise<TrialAnswer & { disagreement: Disagreement[] }> {
    const trial = await this.trialOf(`${specialty}/${name}`);
    const grouping = by === 'all' ? by : groupingOf(by);
    return { ...shown(trial), disagreement: await readDisagreement(this.dataSource, trial.trialKey, grouping) };
  }

  /** Studies that were not looked at yet get the version in force. What was found stays. */
  @Delete('trial')
  @HttpCode(204)
  @Access('admin')
  async end(@Param('specialty') specialty: string, @Param('name') name: string, @Who() who: Identity): Promise<void> {
    if (!(await endTrial(this.dataSource, `${specialty}/${name}`, who.name))) throw none(`${specialty}/${name}`);
  }

  @Get('drift')
  @Access('admin')
  async drift(
    @Param('specialty') specialty: string,
    @Param('name') name: string,
    @Query('by') by: string = 'week',
    @Query('weeks') weeks: string = String(weeksUsual),
  ): Promise<{ drift: ScoreDrift[] }> {
    const count = Number(weeks);
    if (!Number.isInteger(count) || count < 1 || count > 520)
      throw new HttpProblem(400, 'Bad Request', 'weeks is a whole number from 1 to 520.');
    return { drift: await readDrift(this.dataSource, `${specialty}/${name}`, groupingOf(by), count) };
  }

  private async trialOf(modelId: string): Promise<Trial> {
    const trial = await openTrial(this.dataSource, modelId);
    if (!trial) throw none(modelId);
    return trial;
  }
}

function groupingOf(by: string): Grouping {
  const grouping = groupings.find((one) => one === by);
  if (!grouping) throw new HttpProblem(400, 'Bad Request', `by is one of ${groupings.join(', ')}.`);
  return grouping;
}

function none(modelId: string): HttpProblem {
  return new HttpProblem(404, 'Not Found', `No version of ${modelId} is on trial.`);
}

function shown({ modelId, version, sha256, mode, percent, startedAt, startedBy }: Trial): TrialAnswer {
  return { model: modelId, version, sha256, mode, percent, startedAt: startedAt.toISOString(), startedBy };
}
