import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type InstanceRow, type InstanceUids, OpenInstance } from '#libs/archive';
import { Access } from '#libs/auth';
import { CONFIG, type Config } from '#libs/config';
import { HttpProblem } from '#libs/server';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, revalidate } from '../../http/caching.js';
import { chooseRepresentation, dicomwebUrlOf } from '../../http/request.js';
import { sendMultipart, sendStream } from '../../http/send-stream.js';
import { checkTarget, instanceUids, type Target } from '../../http/target.js';
import { WireError } from '../../wire/wire-error.js';
import { AnswerFrames } from '../frames/answer-frames.js';
import { AnswerAllBulkData } from './answer-all-bulk-data.js';
import { bulkDataForms, contentTypeOf, isSafeToShow } from './bulk-data-forms.js';
import { ReadBulkData } from './read-bulk-data.js';

/** WADO-RS bulk data and pixel data (PS3.18 10.4.1.1.5, 10.4.1.1.6): what the metadata's BulkDataURIs point at. */
@Controller('dicom-web/studies/:study')
@Access('read')
export class BulkdataController {
  constructor(
    private readonly bulkData: ReadBulkData,
    private readonly openInstance: OpenInstance,
    private readonly answerFrames: AnswerFrames,
    private readonly answerAll: AnswerAllBulkData,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get(['bulkdata', 'series/:series/bulkdata', 'series/:series/instances/:instance/bulkdata'])
  async all(@Param() target: Target, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    checkTarget(target);
    await this.answerAll.answer(request, reply, target, { isPixelDataOnly: false });
  }

  @Get(['pixeldata', 'series/:series/pixeldata', 'series/:series/instances/:instance/pixeldata'])
  async pixelData(@Param() target: Target, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    checkTarget(target);
    await this.answerAll.answer(request, reply, target, { isPixelDataOnly: true });
  }

  @Get('series/:series/instances/:instance/bulkdata/*')
  async value(
    @Param() target: Target & { '*': string },
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const uids = instanceUids(target);
    const tagPath = readTagPath(target['*']);
    if (tagPath === pixelData && (await this.answeredByFrames(request, reply, uids))) return;
    const { instance, mimeType, length, open, openRange } = await this.bulkData.open(uids, tagPath);
    const { mediaType, isMultipart, transferSyntaxUid } = chooseRepresentation(
      request,
      bulkDataForms(instance, tagPath, mimeType),
    );
    const kind = `${isMultipart ? 'm' : 's'}-${mediaType.replaceAll('/', '-')}`;
    const etag = `"b-${instance.sha256.toString('base64url')}-${tagPath}-${kind}"`;
    const caching = { etag, vary: 'accept', 'cache-control': revalidate };
    if (answeredNotModified(request, reply, caching)) return;
    const contentType = contentTypeOf(mediaType, transferSyntaxUid);
    if (!isMultipart) {
      const disposition = { ...(!isSafeToShow(mediaType) && { 'content-disposition': 'attachment' }) };
      const headers = { ...caching, ...disposition, 'content-type': contentType };
      return sendStream(request, reply, { headers, length, open, openRange }, this.logger);
    }
    const location = `${dicomwebUrlOf(request)}/${pathOf(instance)}/bulkdata/${tagPath}`;
    const parts = async function* () {
      yield { contentType, location, body: await open() };
    };
    const sized = length === undefined ? undefined : [{ contentType, location, length, open, openRange }];
    await sendMultipart(request, reply, { headers: caching, mediaType, parts: sized ?? parts }, this.logger);
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

const pathOf = ({ studyInstanceUid, seriesInstanceUid, sopInstanceUid }: InstanceRow) =>
  `studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;

/** `GGGGEEEE`, or through sequences `GGGGEEEE/<item from 0>/GGGGEEEE`. */
function readTagPath(text: string): string {
  const path = text.toUpperCase();
  if (!/^[0-9A-F]{8}(\/\d{1,6}\/[0-9A-F]{8}){0,32}$/.test(path)) {
    throw new WireError('A bulk data path is GGGGEEEE, or through sequences GGGGEEEE/0/GGGGEEEE.');
  }
  return path;
}
