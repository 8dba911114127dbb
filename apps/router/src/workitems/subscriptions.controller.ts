import { Controller, Delete, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { Access } from '#libs/auth';
import { isUid } from '#libs/dicom';
import { DataSource, transaction } from '#libs/database';
import { dicomwebUrlOf, HttpProblem } from '#libs/server';
import {
  filteredSubscriptionsMax,
  parseWorkitemMatch,
  subscribeToAll,
  subscribeToMatching,
  subscribeToWorkitem,
  suspendSubscription,
  unsubscribeFrom,
  unsubscribeFromWorkitem,
  wellKnownWorklists,
  type WorkitemMatch,
  WorkitemQueryError,
} from '#libs/workitems';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { aeTitle } from './ae-title.js';
import { refusal } from './refusal.js';

/** UPS-RS subscriptions (PS3.18 11.10 Subscribe, 11.11 Unsubscribe, 11.12 Suspend Global Subscription). */
@Controller('dicom-web/workitems/:resource/subscribers/:aet')
@Access('write')
export class SubscriptionsController {
  constructor(private readonly dataSource: DataSource) {}

  /** 201 with the address of the WebSocket over which events come, in Content-Location. */
  @Post()
  async subscribe(
    @Param('resource') resource: string,
    @Param('aet') title: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const aet = aeTitle(title);
    const { deletionLock, keys } = readParameters(request);
    const subscriber = { aet, deletionLock };
    const worklist = worklistOf(resource);
    if (worklist !== 'filtered' && keys.length > 0) {
      throw bad(`Only ${wellKnownWorklists.filtered} takes a filter; "${keys[0]![0].slice(0, 40)}" is none here.`);
    }
    const filter = worklist === 'filtered' ? readFilter(request, keys) : [];
    const isThere = await transaction(this.dataSource, async (tx) => {
      if (worklist === 'all') await subscribeToAll(tx, subscriber);
      else if (worklist === 'filtered') {
        if (!(await subscribeToMatching(tx, subscriber, filter))) throw tooManyFilters();
      } else return isUid(resource) && (await subscribeToWorkitem(tx, subscriber, resource));
      return true;
    });
    if (!isThere) throw new HttpProblem(404, 'No such workitem', 'There is no workitem with the UID in the path.');
    const url = `${dicomwebUrlOf(request).replace(/^http/, 'ws')}/subscribers/${encodeURIComponent(aet)}`;
    await reply.status(201).header('content-location', url).send();
  }

  @Delete()
  @HttpCode(200)
  async unsubscribe(@Param('resource') resource: string, @Param('aet') title: string): Promise<void> {
    const aet = aeTitle(title);
    const worklist = worklistOf(resource);
    const was = await transaction(this.dataSource, async (tx) =>
      worklist === undefined
        ? isUid(resource) && unsubscribeFromWorkitem(tx, aet, resource)
        : unsubscribeFrom(tx, aet, worklist),
    );
    if (!was) throw noSubscription(aet);
  }

  @Post('suspend')
  @HttpCode(200)
  async suspend(@Param('resource') resource: string, @Param('aet') title: string): Promise<void> {
    const aet = aeTitle(title);
    const worklist = worklistOf(resource);
    if (worklist === undefined) {
      throw bad(`Only subscriptions to ${Object.values(wellKnownWorklists).join(' and ')} can be suspended.`);
    }
    const was = await transaction(this.dataSource, (tx) => suspendSubscription(tx, aet, worklist));
    if (!was) throw noSubscription(aet);
  }
}

function worklistOf(resource: string): keyof typeof wellKnownWorklists | undefined {
  if (resource === wellKnownWorklists.all) return 'all';
  return resource === wellKnownWorklists.filtered ? 'filtered' : undefined;
}

/** Keys stand in the address one by one, or all in `filter=` (PS3.18 11.10.1.2). */
function readParameters(request: FastifyRequest): { deletionLock: boolean; keys: [name: string, value: string][] } {
  const given = [...new URLSearchParams((request.raw.url ?? '').split('?')[1] ?? '')];
  const lock = given.find(([name]) => name.toLowerCase() === 'deletionlock')?.[1].toLowerCase() ?? 'false';
  if (lock !== 'true' && lock !== 'false') throw bad('"deletionlock" is true or false.');
  const keys = given
    .filter(([name]) => name.toLowerCase() !== 'deletionlock')
    .flatMap(([name, value]): [string, string][] => {
      if (name.toLowerCase() !== 'filter') return [[name, value]];
      // A comma may also stand in a list of values: a new key begins where there is an equals sign.
      return value.split(/,(?=[^,=]+=)/).map((pair) => {
        const equals = pair.indexOf('=');
        return [pair.slice(0, equals === -1 ? undefined : equals), equals === -1 ? '' : pair.slice(equals + 1)];
      });
    });
  return { deletionLock: lock === 'true', keys };
}

function readFilter(request: FastifyRequest, keys: [name: string, value: string][]): WorkitemMatch[] {
  try {
    const filter = keys
      .map(([name, value]) => parseWorkitemMatch(name, [value]))
      .filter(({ values }) => values.length > 0);
    if (filter.length > 0) return filter;
  } catch (error) {
    if (!(error instanceof WorkitemQueryError)) throw error;
    const text = 'Filtered Worklist Subscriptions are not supported.';
    throw refusal(dicomwebUrlOf(request), 403, text, `This filter is not supported. ${error.message}`);
  }
  throw bad(`A subscription to ${wellKnownWorklists.filtered} needs a filter, such as ?filter=ProcedureStepLabel=AI:*`);
}

function tooManyFilters(): HttpProblem {
  return new HttpProblem(
    403,
    'Too many subscriptions',
    `There are ${filteredSubscriptionsMax} filtered subscriptions, as many as are kept: end one that nobody needs, or subscribe to all.`,
  );
}

function noSubscription(aet: string): HttpProblem {
  return new HttpProblem(404, 'No such subscription', `${aet} has not subscribed to that.`);
}

function bad(detail: string): HttpProblem {
  return new HttpProblem(400, 'Bad Request', detail);
}
