import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { Access, type Identity, Who } from '#libs/auth';
import { HttpProblem } from '#libs/server';
import type { Priority } from '#libs/workitems';
import { z } from 'zod';
import { readBody } from './reader-bodies.js';
import { type ServiceLevel, ServiceLevels } from './service-levels.js';

const yearMinutes = 525_600;

const levelBody = z
  .strictObject({
    readWithinMinutes: z.int().min(1).max(yearMinutes),
    escalateBeforeMinutes: z.int().min(0).max(yearMinutes),
  })
  .refine(({ readWithinMinutes, escalateBeforeMinutes }) => escalateBeforeMinutes < readWithinMinutes, {
    path: ['escalateBeforeMinutes'],
    message: 'less than readWithinMinutes: a study is not late when it arrives',
  });

/** Within how long studies are read, by specialty and priority; '*' is every specialty without a level of its own. */
@Controller('api/service-levels')
export class ServiceLevelsController {
  constructor(private readonly levels: ServiceLevels) {}

  @Get()
  @Access('read')
  async list(): Promise<{ levels: ServiceLevel[] }> {
    return { levels: await this.levels.list() };
  }

  @Put(':specialty/:priority')
  @Access('admin')
  async set(
    @Param('specialty') specialty: string,
    @Param('priority') priority: string,
    @Body() body: unknown,
    @Who() { name }: Identity,
  ): Promise<{ levels: ServiceLevel[] }> {
    const level = readBody(levelBody, body);
    await this.levels.set({ ...level, ...target(specialty, priority), updatedBy: name ?? null });
    return this.list();
  }

  @Delete(':specialty/:priority')
  @HttpCode(204)
  @Access('admin')
  async remove(@Param('specialty') specialty: string, @Param('priority') priority: string): Promise<void> {
    const named = target(specialty, priority);
    if (named.specialty === '*') {
      throw new HttpProblem(409, 'Conflict', 'The levels of "*" hold for every other specialty: change them instead.');
    }
    if (!(await this.levels.remove(named.specialty, named.priority))) {
      throw new HttpProblem(404, 'Not Found', `${named.specialty} has no level of its own for ${named.priority}.`);
    }
  }
}

function target(specialty: string, priority: string): { specialty: string; priority: Priority } {
  const known = (['HIGH', 'MEDIUM', 'LOW'] as const).find((one) => one === priority.toUpperCase());
  if (known === undefined || !/^(\*|[a-z0-9][a-z0-9-]{0,63})$/.test(specialty)) {
    throw new HttpProblem(404, 'Not Found', 'Name a specialty (or *) and HIGH, MEDIUM or LOW.');
  }
  return { specialty, priority: known };
}
