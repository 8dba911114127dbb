import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type InstanceUids, OpenInstance } from '#libs/archive';
import { Access } from '#libs/auth';
import { CONFIG, type Config } from '#libs/config';
import { HttpProblem } from '#libs/server';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, immutable } from '../../http/caching.js';
import { chooseRepresentation } from '../../http/request.js';
import { sendMultipart, sendStream } from '../../http/send-stream.js';
import { instanceUids, type Target } from '../../http/target.js';
import { WireError } from '../../wire/wire-error.js';
import { AnswerFrames } from '../frames/answer-frames.js';
import { ReadBulkData } from './read-bulk-data.js';

/** WADO-RS bulk data (PS3.18 10.4.1.1.5): what the metadata's BulkDataURIs point at. */
@Controller('dicom-web/studies/:study/series/:series/instances/:instance/bulkdata')
@Access('read')
export class BulkdataController {
  constructor(
    private readonly bulkData: ReadBulkData,
    private readonly openInstance: OpenInstance,
    private readonly answerFrames: AnswerFrames,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get('*')
  async value(
    @Param() target: Target & { '*': string },
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const uids = instanceUids(target);
    const tagPath = readTagPath(target['*']);
    if (tagPath === pixelData && (await this.answeredByFrames(request, reply, uids))) return;
    const { instance, length, open } = await this.bulkData.open(uids, tagPath);
    const chosen = chooseRepresentation(request, bulkDataRepresentations);
    const weak = chosen.isMultipart ? 'W/' : '';
    const etag = `${weak}"b-${instance.sha256.toString('base64url')}-${tagPath}"`;
    const caching = { etag, vary: 'accept', 'cache-control': immutable };
    if (answeredNotModified(request, reply, caching)) return;
    const contentType = 'application/octet-stream';
    if (!chosen.isMultipart) {
      const headers = { ...caching, 'content-type': contentType };
      return sendStream(request, reply, { headers, ...(length !== undefined && { length }), open }, this.logger);
    }
    const parts = async function* () {
      yield { contentType, body: await open() };
    };
    await sendMultipart(request, reply, { headers: caching, mediaType: contentType, parts }, this.logger);
  }

  /** Compressed pixel data is its frames, one part each (PS3.18 8.7.3.3.2). */
  private async answeredByFrames(request: FastifyRequest, reply: FastifyReply, uids: InstanceUids): Promise<boolean> {
    const { frameKind, numberOfFrames } = await this.openInstance.find(uids);
    if (frameKind !== 'encapsulated') return false;
    const frames = numberOfFrames ?? 1;
    const { framesPerRequestMax } = this.config.limits;
    if (frames > framesPerRequestMax) {
      throw new HttpProblem(
        413,
        'Content Too Large',
        `The instance has ${frames} frames, and one answer at most ${framesPerRequestMax}: ask for them by their numbers, at frames/.`,
      );
    }
    await this.answerFrames.answer(
      request,
      reply,
      uids,
      Array.from({ length: frames }, (_, index) => index + 1),
    );
    return true;
  }
}

const pixelData = '7FE00010';

const bulkDataRepresentations = [
  { mediaType: 'application/octet-stream', isMultipart: true, transferSyntaxUid: '1.2.840.10008.1.2.1' },
  { mediaType: 'application/octet-stream', isMultipart: false, transferSyntaxUid: '1.2.840.10008.1.2.1' },
];

/** `GGGGEEEE`, or through sequences `GGGGEEEE/<item from 0>/GGGGEEEE`. */
function readTagPath(text: string): string {
  const path = text.toUpperCase();
  if (!/^[0-9A-F]{8}(\/\d{1,6}\/[0-9A-F]{8}){0,32}$/.test(path)) {
    throw new WireError('A bulk data path is GGGGEEEE, or through sequences GGGGEEEE/0/GGGGEEEE.');
  }
  return path;
}
