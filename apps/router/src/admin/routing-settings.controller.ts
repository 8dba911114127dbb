import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { Access } from '#libs/auth';
import { DataSource, transaction, writeSetting } from '#libs/database';
import { HttpProblem } from '#libs/server';
import { z } from 'zod';
import type { MatchMode } from '../routing/evaluate-rules.js';
import { nextOffPeak, type OffPeakHours, offPeakSchema } from '../routing/off-peak.js';
import { parseMatcher, type RuleProblem } from '../routing/parse-matcher.js';
import { readOffPeak } from '../routing/rule-book.js';
import { readMatchMode } from '../routing/routing-repository.js';
import {
  builtInSpecialties,
  deleteSiteSpecialty,
  readSiteSpecialties,
  saveSiteSpecialty,
  type SiteSpecialty,
} from '../routing/site-specialties.js';
import { badBody, readBody } from './read-body.js';

export interface RoutingSettings {
  /** 'all': every rule that matches counts; 'first': the first one only. */
  match: MatchMode;
  offPeak: OffPeakHours;
  /** When what waits for off-peak hours begins; null: now. */
  nextOffPeak: Date | null;
}

const settingsBody = z.strictObject({ match: z.enum(['all', 'first']).optional(), offPeak: offPeakSchema.optional() });
const specialtyBody = z.strictObject({
  title: z.string().trim().min(1).max(64),
  position: z.number().int().min(0).max(1_000_000).default(100),
  level: z.enum(['series', 'study']).default('series'),
  /** As of a rule; null: as the suite finds it by itself. */
  matcher: z.unknown().optional(),
});

/** What is common to all rules, and the departments studies are sorted into. */
@Controller('api')
export class RoutingSettingsController {
  constructor(private readonly dataSource: DataSource) {}

  @Get('routing/settings')
  @Access('read')
  settings(): Promise<RoutingSettings> {
    return transaction(this.dataSource, async (tx) => {
      const offPeak = await readOffPeak(tx);
      return { match: await readMatchMode(tx), offPeak, nextOffPeak: nextOffPeak(new Date(), offPeak) };
    });
  }

  @Put('routing/settings')
  @Access('admin')
  async change(@Body() body: unknown): Promise<RoutingSettings> {
    const { match, offPeak } = readBody(settingsBody, body);
    await transaction(this.dataSource, async (tx) => {
      for (const [name, value] of [
        ['routing-match', match],
        ['routing-off-peak', offPeak],
      ] as const) {
        if (value !== undefined) await writeSetting(tx, name, value);
      }
    });
    return this.settings();
  }

  @Get('specialties')
  @Access('read')
  async specialties(): Promise<{ specialties: (SiteSpecialty & { isBuiltIn: boolean })[] }> {
    const specialties = await readSiteSpecialties(this.dataSource);
    return { specialties: specialties.map((one) => ({ ...one, isBuiltIn: builtInSpecialties.includes(one.name) })) };
  }

  /** Adds a department, or says anew which studies are its own. */
  @Put('specialties/:name')
  @Access('admin')
  async saveSpecialty(@Param('name') name: string, @Body() body: unknown): Promise<SiteSpecialty> {
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
      throw badBody([{ at: 'name', message: 'A specialty is named by a-z, 0-9 and -, at most 63.' }]);
    }
    const { matcher: given, ...rest } = readBody(specialtyBody, body);
    const problems: RuleProblem[] = [];
    const matcher = given === undefined || given === null ? null : parseMatcher(given, 'matcher', problems);
    if (matcher === null && !builtInSpecialties.includes(name)) {
      problems.push({ at: 'matcher', message: 'A specialty of your own needs a matcher, as a rule has in "when".' });
    }
    if (problems.length > 0) throw badBody(problems, 'The specialty is refused');
    const specialty = { name, ...rest, matcher };
    await saveSiteSpecialty(this.dataSource, specialty);
    return specialty;
  }

  /** Studies that are sorted into it stay there until something of them arrives. */
  @Delete('specialties/:name')
  @HttpCode(204)
  @Access('admin')
  async deleteSpecialty(@Param('name') name: string): Promise<void> {
    if (builtInSpecialties.includes(name)) {
      throw new HttpProblem(409, 'Conflict', `${name} is one of the suite's own and stays.`);
    }
    if (!(await deleteSiteSpecialty(this.dataSource, name))) {
      throw new HttpProblem(404, 'No such specialty', 'GET /api/specialties lists them.');
    }
  }
}
