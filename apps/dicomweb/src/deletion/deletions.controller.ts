import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import {
  type Deletion,
  getDeletion,
  type ListedDeletion,
  listDeletions,
  PurgeDeletions,
  RestoreDeletion,
} from '#libs/archive';
import { Access } from '#libs/auth';
import { DataSource } from '#libs/database';
import { HttpProblem } from '#libs/server';

const whole = (max: number) => z.coerce.number().int().min(0).max(max);
const querySchema = z.object({
  state: z.enum(['recoverable', 'restored', 'purged', 'all']).default('recoverable'),
  studyInstanceUid: z
    .string()
    .regex(/^[0-9.]{1,64}$/)
    .optional(),
  limit: whole(1_000).default(100),
  offset: whole(10_000_000).default(0),
});

/** What was deleted or replaced, and what can still be done about it. */
@Controller('api/deletions')
@Access('admin')
export class DeletionsController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly restoring: RestoreDeletion,
    private readonly purging: PurgeDeletions,
  ) {}

  /** The newest first; those that can be brought back, unless `state` says otherwise. */
  @Get()
  async list(@Query() raw: unknown): Promise<{ deletions: ListedDeletion[] }> {
    const parsed = querySchema.safeParse(raw);
    if (!parsed.success) {
      const detail = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
      throw new HttpProblem(400, 'Not a list of deletions', detail);
    }
    const { state, ...page } = parsed.data;
    return {
      deletions: await listDeletions(this.dataSource, { ...page, ...(state !== 'all' && { state }) }),
    };
  }

  @Get(':deletionId')
  describe(@Param('deletionId') deletionId: string): Promise<Deletion> {
    return getDeletion(this.dataSource, checked(deletionId));
  }

  /** 409 where other content is stored under one of its SOP Instance UIDs by now, or it was restored or purged before. */
  @Post(':deletionId/restore')
  @HttpCode(200)
  restore(@Param('deletionId') deletionId: string): Promise<Deletion> {
    return this.restoring.restore(checked(deletionId));
  }

  /** For good, without waiting for the grace to end. The bytes go with the packs that hold nothing else. */
  @Post(':deletionId/purge')
  @HttpCode(200)
  purge(@Param('deletionId') deletionId: string): Promise<Deletion> {
    return this.purging.purge(checked(deletionId));
  }
}

function checked(deletionId: string): string {
  if (z.uuid().safeParse(deletionId).success) return deletionId;
  throw new HttpProblem(404, 'No such deletion', 'The path names no deletion by its id, a UUID.');
}
