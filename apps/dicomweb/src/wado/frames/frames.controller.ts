import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Controller, Get, Inject, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Frame, type InstanceRow, OpenFrames, ReadMetadata } from '#libs/archive';
import { Access } from '#libs/auth';
import { CONFIG, type Config } from '#libs/config';
import { type DicomJson, transferSyntaxOf } from '#libs/dicom';
import { describeFrame, ImageService } from '#libs/images';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, immutable } from '../../http/caching.js';
import { chooseRepresentation } from '../../http/request.js';
import { sendMultipart, sendStream } from '../../http/send-stream.js';
import { instanceUids, type Target } from '../../http/target.js';
import { parseFrameList } from '../../wire/parse-frame-list.js';
import type { Part } from '../../wire/write-multipart.js';
import { frameRepresentations } from './frame-representations.js';

/** WADO-RS frames (PS3.18 10.4.1.1.6), in the order asked for, each one ranged read. */
@Controller('dicom-web/studies/:study/series/:series/instances/:instance/frames')
@Access('read')
export class FramesController {
  constructor(
    private readonly openFrames: OpenFrames,
    private readonly readMetadata: ReadMetadata,
    private readonly images: ImageService,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get(':frames')
  async frames(
    @Param() target: Target & { frames: string },
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const uids = instanceUids(target);
    const numbers = parseFrameList(target.frames, this.config.limits.framesPerRequestMax);
    const { instance, frames } = await this.openFrames.open(uids, numbers);
    const chosen = chooseRepresentation(request, frameRepresentations(instance.transferSyntaxUid, frames.length));
    const contentType = `${chosen.mediaType}; transfer-syntax=${chosen.transferSyntaxUid}`;
    const digest = createHash('sha256')
      .update(instance.sha256)
      .update(`${contentType} ${numbers.join()}`)
      .digest('base64url');
    const caching = {
      etag: `${chosen.isMultipart ? 'W/' : ''}"f-${digest}"`,
      vary: 'accept',
      'cache-control': immutable,
    };
    if (answeredNotModified(request, reply, caching)) return;

    const read = transferSyntaxOf(instance.transferSyntaxUid).bigEndian ? await this.swapper(instance) : open;
    if (!chosen.isMultipart) {
      const frame = frames[0]!;
      const headers = { ...caching, 'content-type': contentType };
      const length = frame.bytes === undefined ? {} : { length: frame.bytes };
      return sendStream(request, reply, { headers, ...length, open: () => read(frame) }, this.logger);
    }
    const parts = async function* (): AsyncGenerator<Part> {
      for (const frame of frames) yield { contentType, body: await read(frame) };
    };
    await sendMultipart(request, reply, { headers: caching, mediaType: chosen.mediaType, parts }, this.logger);
  }

  /** Big endian is not for the web (PS3.18 8.7.3): its frames are given in little endian. */
  private async swapper(instance: InstanceRow): Promise<typeof open> {
    const dataset = JSON.parse(await this.readMetadata.ofInstance(instance)) as DicomJson;
    return async (frame) => {
      const description = describeFrame(dataset, instance.transferSyntaxUid, frame.frameNumber - 1);
      const { bytes } = await this.images.nativeFrame(await buffer(await frame.open()), description);
      return Readable.from([bytes]);
    };
  }
}

const open = (frame: Frame): Promise<Readable> => frame.open();
