import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { Access } from '#libs/auth';
import { isUid } from '#libs/dicom';
import { DataSource } from '#libs/database';
import { HttpProblem } from '#libs/server';
import type { Workitem } from '#libs/workitems';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { findWorklist } from './find-worklist.js';
import { parseWorklistQuery } from './parse-worklist-query.js';
import { ReadStudy } from './read-study.js';
import { WorklistEvents } from './worklist-events.js';
import type { WorklistItem } from './worklist-item.js';

const readerCharactersMax = 64;

/** The worklist of readers: what there is to read, in order, live. */
@Controller('api/worklist')
export class WorklistController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly events: WorklistEvents,
    private readonly readStudy: ReadStudy,
  ) {}

  @Get()
  @Access('read')
  find(@Query() raw: Record<string, unknown>): Promise<{ items: WorklistItem[]; total: number }> {
    const { filter, limit, offset } = parseWorklistQuery(raw);
    return findWorklist(this.dataSource, filter, { limit, offset });
  }

  /** Server-sent events: `worklist` with a study's new line, `reload` when the client should read the list anew. */
  @Get('events')
  @Access('read')
  listen(@Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    // Fastify answers HEAD through GET routes: a client that only asks must not be kept as one that listens.
    if (request.method === 'HEAD') {
      void reply.header('content-type', 'text/event-stream; charset=utf-8').send();
      return;
    }
    if (this.events.isFull) {
      throw new HttpProblem(
        503,
        'Too many listeners',
        'No more live worklists can be served here; try again later.',
        {},
        {
          'retry-after': '30',
        },
      );
    }
    reply.hijack();
    this.events.open(reply.raw);
  }

  @Post(':workitemUid/claim')
  @HttpCode(200)
  @Access('write')
  async claim(
    @Param('workitemUid') workitemUid: string,
    @Headers('x-reader') header: string | undefined,
    @Body() body: unknown,
  ): Promise<ReadingAnswer> {
    return answer(await this.readStudy.claim(uid(workitemUid), reader(header, body)));
  }

  @Post(':workitemUid/release')
  @HttpCode(200)
  @Access('write')
  async release(
    @Param('workitemUid') workitemUid: string,
    @Headers('x-reader') header: string | undefined,
    @Body() body: unknown,
  ): Promise<ReadingAnswer> {
    return answer(await this.readStudy.release(uid(workitemUid), reader(header, body)));
  }

  @Post(':workitemUid/complete')
  @HttpCode(200)
  @Access('write')
  async complete(
    @Param('workitemUid') workitemUid: string,
    @Headers('x-reader') header: string | undefined,
    @Body() body: unknown,
  ): Promise<ReadingAnswer> {
    return answer(await this.readStudy.complete(uid(workitemUid), reader(header, body)));
  }
}

interface ReadingAnswer {
  workitemUid: string;
  state: Workitem['state'];
  performer: string | null;
}

function answer({ uid: workitemUid, state, performer }: Workitem): ReadingAnswer {
  return { workitemUid, state, performer };
}

function uid(text: string): string {
  if (isUid(text)) return text;
  throw new HttpProblem(400, 'Not a UID', 'The path must name a workitem by its UID (digits and dots, at most 64).');
}

/** Until there are users, a reader says who it is: header `X-Reader`, or `{"reader": "…"}`. */
function reader(header: string | undefined, body: unknown): string {
  const given = header ?? (body as { reader?: unknown } | null | undefined)?.reader;
  const name = typeof given === 'string' ? given.trim() : '';
  // oxlint-disable-next-line no-control-regex -- control characters are what is refused here
  if (name === '' || name.length > readerCharactersMax || /[\u0000-\u001f\u007f\\^=]/.test(name)) {
    throw new HttpProblem(
      400,
      'Who reads?',
      `Say who reads in the header X-Reader or as {"reader": "name"}: 1 to ${readerCharactersMax} characters, none of \\ ^ =.`,
    );
  }
  return name;
}
