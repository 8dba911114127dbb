import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Put, Query } from '@nestjs/common';
import { Access } from '#libs/auth';
import { CONFIG, type Config } from '#libs/config';
import { isUid } from '#libs/dicom';
import { DataSource, query, transaction } from '#libs/database';
import { JobQueue } from '#libs/jobs';
import { HttpProblem } from '#libs/server';
import { badBody, readBody } from '../admin/read-body.js';
import { readRules } from '../routing/routing-repository.js';
import { parseRule } from '../routing/parse-rule.js';
import {
  deleteDestination,
  type Destination,
  destinationBody,
  isDestinationName,
  listDestinations,
  openDestination,
  saveDestination,
} from './destination.js';
import { cancelForward, type Forward, listForwards, reopenForward } from './forward-repository.js';
import { sendForward } from './send-forward.js';
import { ForwardError, speakToDestination } from './speak-to-destination.js';

const states = ['scheduled', 'sending', 'sent', 'failed', 'canceled'];
const listedMax = 500;
const checkSecondsMax = 15;

/** Other DICOMweb archives, and what is sent to them. */
@Controller('api')
export class ForwardingController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get('destinations')
  @Access('read')
  async destinations(): Promise<{ destinations: Destination[] }> {
    return { destinations: await listDestinations(this.dataSource) };
  }

  @Put('destinations/:name')
  @Access('admin')
  save(@Param('name') name: string, @Body() body: unknown): Promise<Destination> {
    if (!isDestinationName(name)) {
      throw badBody([{ at: 'name', message: 'A destination is named by a-z, 0-9 and -, at most 63.' }]);
    }
    const settings = readBody(destinationBody, body);
    if (this.isOurs(settings.url)) {
      throw badBody(
        [{ at: 'url', message: 'This would loop: it is the address of this archive itself.' }],
        'The destination is refused',
      );
    }
    return saveDestination(this.dataSource, name, settings);
  }

  /** Refused while a rule names it. */
  @Delete('destinations/:name')
  @HttpCode(204)
  @Access('admin')
  async remove(@Param('name') name: string): Promise<void> {
    const was = await transaction(this.dataSource, async (tx) => {
      const users = (await readRules(tx)).filter(({ definition }) =>
        parseRule(definition).definition?.gives.forward.includes(name),
      );
      if (users.length > 0) {
        const names = users.map((rule) => `"${rule.name}"`).join(', ');
        throw new HttpProblem(409, 'Conflict', `The rule ${names} sends to it: change or retire that first.`);
      }
      return deleteDestination(tx, name);
    });
    if (!was) throw noSuchDestination();
  }

  /** Asks the destination for one study (QIDO-RS) and says what it answered: whether address and credentials are right. */
  @Post('destinations/:name/check')
  @HttpCode(200)
  @Access('admin')
  async check(@Param('name') name: string): Promise<{ isReachable: boolean; status: number | null; detail: string }> {
    const destination = await openDestination(this.dataSource, name);
    if (destination === undefined) throw noSuchDestination();
    try {
      const { status } = await speakToDestination(
        destination,
        '/studies?limit=1',
        { method: 'GET', headers: { accept: 'application/dicom+json' } },
        AbortSignal.timeout(checkSecondsMax * 1000),
      );
      const isReachable = status === 200 || status === 204;
      return { isReachable, status, detail: `It answered ${status} to a search for studies.` };
    } catch (error) {
      const detail = error instanceof ForwardError ? error.message : `It did not answer in ${checkSecondsMax} s.`;
      return { isReachable: false, status: null, detail };
    }
  }

  /** The newest first. */
  @Get('forwards')
  @Access('read')
  async forwards(
    @Query('StudyInstanceUID') studyInstanceUid: string | undefined,
    @Query('state') state: string | undefined,
  ): Promise<{ forwards: Forward[] }> {
    if (state !== undefined && !states.includes(state)) {
      throw new HttpProblem(400, 'Bad Request', `"state" is one of ${states.join(', ')}.`);
    }
    if (studyInstanceUid !== undefined && !isUid(studyInstanceUid)) {
      throw new HttpProblem(400, 'Bad Request', '"StudyInstanceUID" is a UID.');
    }
    return { forwards: await listForwards(this.dataSource, { studyInstanceUid, state, limit: listedMax }) };
  }

  /** Sends again what failed or was canceled: the instances the destination has not had. */
  @Post('forwards/:forwardId/retry')
  @HttpCode(202)
  @Access('admin')
  async retry(@Param('forwardId') forwardId: string): Promise<void> {
    const wasOver = await transaction(this.dataSource, async (tx) => {
      if (!(await reopenForward(tx, idOf(forwardId)))) return false;
      await sendForward(this.jobs, tx, forwardId, null);
      return true;
    });
    if (!wasOver) throw await this.refused(forwardId, 'only what failed or was canceled is sent again');
  }

  @Post('forwards/:forwardId/cancel')
  @HttpCode(200)
  @Access('admin')
  async cancel(@Param('forwardId') forwardId: string): Promise<void> {
    if (await cancelForward(this.dataSource, idOf(forwardId))) return;
    throw await this.refused(forwardId, 'it is over');
  }

  private async refused(forwardId: string, why: string): Promise<HttpProblem> {
    const [row] = await query<{ state: string }>(this.dataSource, 'select state from forward where forward_id = $1', [
      forwardId,
    ]);
    if (row === undefined) return new HttpProblem(404, 'Not found', 'There is no forward with the id in the path.');
    return new HttpProblem(409, 'Conflict', `The forward is ${row.state}: ${why}.`);
  }

  /** As far as it can be told from the address; what comes back by a way round is stopped by its hops. */
  private isOurs(url: string): boolean {
    const { host, port, dicomwebUrl } = this.config;
    const target = new URL(url);
    const at = Number(target.port === '' ? (target.protocol === 'https:' ? 443 : 80) : target.port);
    if (dicomwebUrl !== undefined && new URL(dicomwebUrl).host === target.host) return true;
    return at === port && ['localhost', '127.0.0.1', '[::1]', host].includes(target.hostname);
  }
}

function idOf(forwardId: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(forwardId)) return forwardId;
  throw new HttpProblem(404, 'Not found', 'There is no forward with the id in the path.');
}

function noSuchDestination(): HttpProblem {
  return new HttpProblem(404, 'No such destination', 'GET /api/destinations lists them.');
}
