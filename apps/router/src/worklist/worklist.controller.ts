import { Body, Controller, Get, Headers, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { Access, type Identity, Who } from '#libs/auth';
import { CONFIG, type Config } from '#libs/config';
import { isUid } from '#libs/dicom';
import { DataSource } from '#libs/database';
import { HttpProblem } from '#libs/server';
import type { Priority, Workitem } from '#libs/workitems';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ChangePriority } from './change-priority.js';
import { countWorklist, findWorklist } from './find-worklist.js';
import { parseWorklistQuery, writePlace } from './parse-worklist-query.js';
import { priorityBody, readBody, reviewBody } from './reader-bodies.js';
import { readerName } from './reader-name.js';
import { ReadingError } from './reading-error.js';
import { ReadStudy } from './read-study.js';
import { ReviewFinding } from './review-finding.js';
import { type Choices, WorklistChoices } from './worklist-choices.js';
import { WorklistEvents } from './worklist-events.js';
import type { FindingReview, WorklistItem } from './worklist-item.js';

/** A page of the list. */
interface WorklistPage {
  items: WorklistItem[];
  /** `after` of the next page; null: there is none. */
  next: string | null;
  /** How many fit, counted up to a thousand. */
  total: number;
  isTotalExact: boolean;
}

interface ReadingAnswer {
  workitemUid: string;
  state: Workitem['state'];
  performer: string | null;
  priority: Priority;
  priorityReason: string;
}

/** The worklist of readers: what there is to read, in order, live. */
@Controller('api/worklist')
export class WorklistController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly events: WorklistEvents,
    private readonly readStudy: ReadStudy,
    private readonly changePriority: ChangePriority,
    private readonly reviewFinding: ReviewFinding,
    private readonly worklistChoices: WorklistChoices,
  ) {}

  @Get()
  @Access('read')
  async find(
    @Query() raw: Record<string, unknown>,
    @Headers('x-reader') header: string | undefined,
    @Who() who: Identity,
  ): Promise<WorklistPage> {
    const { filter, isMine, limit, after } = parseWorklistQuery(raw);
    if (isMine) filter.performer = [readerName(this.config, who, header)];
    const [{ items, next }, { total, isTotalExact }] = await Promise.all([
      findWorklist(this.dataSource, filter, { limit, after }),
      countWorklist(this.dataSource, filter),
    ]);
    return { items, next: next && writePlace(next), total, isTotalExact };
  }

  /** What the open studies can be filtered by, as it was a few seconds ago at most. */
  @Get('choices')
  @Access('read')
  choices(): Promise<Choices> {
    return this.worklistChoices.read();
  }

  /**
   * Server-sent events: `worklist` with a study's new line, `escalation` when a deadline nears, `reload` when the client
   * should read the list anew.
   */
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
  @Access('reading')
  claim(
    @Param('workitemUid') workitemUid: string,
    @Headers('x-reader') header: string | undefined,
    @Body() body: unknown,
    @Who() who: Identity,
  ): Promise<ReadingAnswer> {
    return answer(this.readStudy.claim(uid(workitemUid), this.reader(who, header, body)));
  }

  /** Gives back what one holds; an administrator's `{"whoever": true}` gives back what anybody holds. */
  @Post(':workitemUid/release')
  @HttpCode(200)
  @Access('reading')
  release(
    @Param('workitemUid') workitemUid: string,
    @Headers('x-reader') header: string | undefined,
    @Body() body: unknown,
    @Who() who: Identity,
  ): Promise<ReadingAnswer> {
    const isForced = (body as { whoever?: unknown } | null | undefined)?.whoever === true;
    if (isForced && !who.roles.includes('admin')) {
      throw new HttpProblem(403, 'Forbidden', 'Only an administrator takes a study from another reader.');
    }
    return answer(this.readStudy.release(uid(workitemUid), isForced ? undefined : this.reader(who, header, body)));
  }

  @Post(':workitemUid/complete')
  @HttpCode(200)
  @Access('reading')
  complete(
    @Param('workitemUid') workitemUid: string,
    @Headers('x-reader') header: string | undefined,
    @Body() body: unknown,
    @Who() who: Identity,
  ): Promise<ReadingAnswer> {
    return answer(this.readStudy.complete(uid(workitemUid), this.reader(who, header, body)));
  }

  /** `{"priority": "HIGH", "reason": "…"}`; priority null takes back what readers set. */
  @Post(':workitemUid/priority')
  @HttpCode(200)
  @Access('reading')
  prioritise(
    @Param('workitemUid') workitemUid: string,
    @Headers('x-reader') header: string | undefined,
    @Body() body: unknown,
    @Who() who: Identity,
  ): Promise<ReadingAnswer> {
    const reader = this.reader(who, header, body);
    const { priority, reason } = readBody(priorityBody, body);
    return answer(this.changePriority.change(uid(workitemUid), reader, priority, reason));
  }

  /** `{"result": "<AI task>", "verdict": "agree" | "disagree", "finding": "…", "comment": "…"}` */
  @Post(':workitemUid/reviews')
  @HttpCode(201)
  @Access('reading')
  review(
    @Param('workitemUid') workitemUid: string,
    @Headers('x-reader') header: string | undefined,
    @Body() body: unknown,
    @Who() who: Identity,
  ): Promise<FindingReview> {
    const reader = this.reader(who, header, body);
    const { result, finding, verdict, comment } = readBody(reviewBody, body);
    return told(this.reviewFinding.review(uid(workitemUid), reader, { result, finding, verdict, comment }));
  }

  private reader(who: Identity, header: string | undefined, body: unknown): string {
    return readerName(this.config, who, header ?? (body as { reader?: unknown } | null | undefined)?.reader);
  }
}

async function answer(act: Promise<Workitem>): Promise<ReadingAnswer> {
  const { uid: workitemUid, state, performer, priority, priorityReason } = await told(act);
  return { workitemUid, state, performer, priority, priorityReason };
}

const statuses: Record<ReadingError['code'], number> = {
  'no-reading-task': 404,
  'no-result': 404,
  'no-finding': 400,
  'reading-taken': 409,
  'reading-not-yours': 409,
  'reading-over': 409,
};

/** A conflict names who has the study, so that whoever came second knows whom to ask. */
async function told<T>(act: Promise<T>): Promise<T> {
  try {
    return await act;
  } catch (error) {
    if (!(error instanceof ReadingError)) throw error;
    const status = statuses[error.code];
    const title = status === 409 ? 'Conflict' : status === 404 ? 'Not Found' : 'Bad Request';
    throw new HttpProblem(status, title, error.message, { code: error.code, holder: error.holder ?? undefined });
  }
}

function uid(text: string): string {
  if (isUid(text)) return text;
  throw new HttpProblem(400, 'Not a UID', 'The path must name a workitem by its UID (digits and dots, at most 64).');
}
