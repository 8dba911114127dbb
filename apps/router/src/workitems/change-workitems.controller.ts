import { Body, Controller, Inject, Param, Post, Put, Req, Res } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { Access } from '#libs/auth';
import { CONFIG, type Config } from '#libs/config';
import { dicomwebUrlOf, HttpProblem } from '#libs/server';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { aeTitle } from './ae-title.js';
import { type Changed, ChangeWorkitems } from './change-workitems.js';
import { readDataset } from './read-dataset.js';
import { warning } from './refusal.js';

/** UPS-RS, its writing half (PS3.18 11.4 Create, 11.6 Update, 11.7 Change State, 11.8 Request Cancellation). */
@Controller('dicom-web/workitems')
@Access('write')
export class ChangeWorkitemsController {
  constructor(
    private readonly workitems: ChangeWorkitems,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The UID may stand in the address as PS3.18 has it, `?1.2.3`, or behind a name. */
  @Post()
  async create(@Body() body: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const uid = bareUid(request) ?? parameter(request, ['workitem', 'uid', 'AffectedSOPInstanceUID']);
    const created = await this.workitems.create(dicomwebUrlOf(request), await this.read(request, body), uid);
    const location = locationOf(request, created.uid);
    void reply.header('location', location).header('content-location', location);
    await answer(request, reply, 201, created);
  }

  @Post(':workitemUid')
  async update(
    @Param('workitemUid') uid: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const dataset = await this.read(request, body);
    const updated = await this.workitems.update(dicomwebUrlOf(request), uid, dataset, transactionUid(request));
    void reply.header('content-location', locationOf(request, uid));
    await answer(request, reply, 200, updated);
  }

  @Put(':workitemUid/state')
  changeState(
    @Param('workitemUid') uid: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.changeStateOf(uid, undefined, body, request, reply);
  }

  /** With the AE title of who asks, which the worklist then shows as the performer. */
  @Put(':workitemUid/state/:requester')
  changeStateAs(
    @Param('workitemUid') uid: string,
    @Param('requester') requester: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.changeStateOf(uid, aeTitle(requester), body, request, reply);
  }

  @Post(':workitemUid/cancelrequest')
  @RouteConfig({ isBodyOptional: true })
  requestCancellation(
    @Param('workitemUid') uid: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.requestCancellationOf(uid, 'UNKNOWN', body, request, reply);
  }

  @Post(':workitemUid/cancelrequest/:requester')
  @RouteConfig({ isBodyOptional: true })
  requestCancellationAs(
    @Param('workitemUid') uid: string,
    @Param('requester') requester: string,
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    return this.requestCancellationOf(uid, aeTitle(requester), body, request, reply);
  }

  private async changeStateOf(
    uid: string,
    requester: string | undefined,
    body: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const dataset = await this.read(request, body);
    const service = dicomwebUrlOf(request);
    const changed = await this.workitems.changeState(service, uid, dataset, requester, transactionUid(request));
    void reply.header('content-location', locationOf(request, uid));
    await answer(request, reply, 200, changed);
  }

  private async requestCancellationOf(
    uid: string,
    requester: string,
    body: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const dataset = await readDataset(request, body, this.config.limits.jsonBodyBytesMax, { isOptional: true });
    const service = dicomwebUrlOf(request);
    await answer(request, reply, 202, await this.workitems.requestCancellation(service, uid, dataset, requester));
  }

  private read(request: FastifyRequest, body: unknown) {
    return readDataset(request, body, this.config.limits.jsonBodyBytesMax);
  }
}

async function answer(request: FastifyRequest, reply: FastifyReply, status: number, changed: Changed): Promise<void> {
  if (changed.warning !== undefined) {
    void reply.header('warning', warning(dicomwebUrlOf(request), changed.warning));
  }
  await reply.status(status).send();
}

function locationOf(request: FastifyRequest, uid: string): string {
  return `${dicomwebUrlOf(request)}/workitems/${uid}`;
}

/** As editions of PS3.18 have spelled it: `Transaction-uid`, `transaction-uid`, `transaction`; and bare, `?1.2.3`. */
function transactionUid(request: FastifyRequest): string | undefined {
  return parameter(request, ['transaction-uid', 'transactionuid', 'transaction']) ?? bareUid(request);
}

function bareUid(request: FastifyRequest): string | undefined {
  const search = searchOf(request);
  return /^[\d.]+$/.test(search) ? search : undefined;
}

/** @param names one of which is given, in whatever letters */
function parameter(request: FastifyRequest, names: string[]): string | undefined {
  const lower = names.map((name) => name.toLowerCase());
  const given = [...new URLSearchParams(searchOf(request))].filter(([name]) => lower.includes(name.toLowerCase()));
  const values = new Set(given.map(([, value]) => value).filter((value) => value !== ''));
  if (values.size > 1) {
    throw new HttpProblem(400, 'Bad Request', `The address gives "${given[0]![0]}" more than once, each time another.`);
  }
  return [...values][0];
}

function searchOf(request: FastifyRequest): string {
  return (request.raw.url ?? '').split('?')[1] ?? '';
}
