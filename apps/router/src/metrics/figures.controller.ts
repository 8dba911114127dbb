import { Controller, Get, Query } from '@nestjs/common';
import { Access } from '#libs/auth';
import { DataSource } from '#libs/database';
import { HttpProblem } from '#libs/server';
import { readFigures, type StudyFigures } from './read-figures.js';

const daysDefault = 7;
const daysMax = 366;

/** How long studies wait: for a model's result, and for their reader. */
@Controller('api/figures')
@Access('read')
export class FiguresController {
  constructor(private readonly dataSource: DataSource) {}

  /** Of the studies that arrived in the last `days`. */
  @Get()
  async figures(@Query('days') text: string | undefined): Promise<{ days: number; figures: StudyFigures[] }> {
    const days = text === undefined || text === '' ? daysDefault : /^\d{1,3}$/.test(text) ? Number(text) : 0;
    if (days < 1 || days > daysMax) {
      throw new HttpProblem(400, 'Bad Request', `"days" is a whole number from 1 to ${daysMax}.`);
    }
    return { days, figures: await readFigures(this.dataSource, days) };
  }
}
