import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Access } from '#libs/auth';
import { isUid } from '#libs/dicom';
import { DataSource } from '#libs/database';
import { HttpProblem } from '#libs/server';
import { type RouteOutcome, RouteStudy } from '../routing/route-study.js';
import { explainStudy, type StudyExplanation } from './explain-study.js';

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
  async explain(@Param('studyInstanceUid') studyInstanceUid: string): Promise<StudyExplanation> {
    const explanation = isUid(studyInstanceUid) ? await explainStudy(this.dataSource, studyInstanceUid) : undefined;
    if (explanation === undefined) throw noSuchStudy();
    return explanation;
  }

  /** The sender's word that nothing more will come: the study goes on at once. */
  @Post(':studyInstanceUid/complete')
  @HttpCode(202)
  @Access('write')
  async complete(@Param('studyInstanceUid') studyInstanceUid: string): Promise<{ outcome: RouteOutcome }> {
    const outcome = isUid(studyInstanceUid)
      ? await this.routeStudy.route(studyInstanceUid, { isComplete: true })
      : 'unknown-study';
    if (outcome === 'unknown-study') throw noSuchStudy();
    return { outcome };
  }
}

function noSuchStudy(): HttpProblem {
  return new HttpProblem(404, 'No such study', 'There is no study with the UID in the path.');
}
