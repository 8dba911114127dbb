import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { Access } from '#libs/auth';
import { isUid } from '#libs/dicom';
import { DataSource } from '#libs/database';
import { HttpProblem } from '#libs/server';
import { z } from 'zod';
import { type RouteOutcome, RouteStudy } from '../routing/route-study.js';
import { explainRules, type RuleExplanation } from './explain-rules.js';
import { explainStudy, type StudyExplanation } from './explain-study.js';
import { readBody } from './read-body.js';

const count = z.number().int().positive().max(10_000_000).optional();
const completeBody = z.strictObject({ numberOfSeries: count, numberOfInstances: count });

/** A study as the router sees it. */
@Controller('api/studies')
export class StudiesController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly routeStudy: RouteStudy,
  ) {}

  /** What it is, what was decided on it, on what evidence, and what became of it. */
  @Get(':studyInstanceUid')
  @Access('read')
  async describe(@Param('studyInstanceUid') studyInstanceUid: string): Promise<StudyExplanation> {
    const explanation = isUid(studyInstanceUid) ? await explainStudy(this.dataSource, studyInstanceUid) : undefined;
    if (explanation === undefined) throw noSuchStudy();
    return explanation;
  }

  /** Why it went where it went, rule by rule and condition by condition, by the rules as they are now. */
  @Get(':studyInstanceUid/explain')
  @Access('read')
  async explain(@Param('studyInstanceUid') studyInstanceUid: string): Promise<RuleExplanation> {
    const explanation = isUid(studyInstanceUid) ? await explainRules(this.dataSource, studyInstanceUid) : undefined;
    if (explanation === undefined) throw noSuchStudy();
    return explanation;
  }

  /**
   * The sender's word that nothing more will come: the study goes on at once. With counts, as soon as so much is here:
   * the word may overtake the instances.
   */
  @Post(':studyInstanceUid/complete')
  @RouteConfig({ isBodyOptional: true })
  @HttpCode(202)
  @Access('write')
  async complete(
    @Param('studyInstanceUid') studyInstanceUid: string,
    @Body() body: unknown,
  ): Promise<{ outcome: RouteOutcome }> {
    const counts = readBody(completeBody, body);
    const outcome = isUid(studyInstanceUid)
      ? await this.routeStudy.route(studyInstanceUid, { isComplete: true, ...counts })
      : 'unknown-study';
    if (outcome === 'unknown-study') throw noSuchStudy();
    return { outcome };
  }
}

function noSuchStudy(): HttpProblem {
  return new HttpProblem(404, 'No such study', 'There is no study with the UID in the path.');
}
