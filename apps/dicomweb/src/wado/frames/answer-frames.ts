import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Frame, type InstanceRow, type InstanceUids, ReadMetadata } from '#libs/archive';
import { type DicomJson, transferSyntaxOf } from '#libs/dicom';
import { describeFrame, ImageService } from '#libs/images';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, immutable } from '../../http/caching.js';
import { chooseRepresentation } from '../../http/request.js';
import { sendMultipart, sendStream } from '../../http/send-stream.js';
import type { Part } from '../../wire/write-multipart.js';
import { FindFrames } from './find-frames.js';
import { explicitLittleEndian, frameRepresentations } from './frame-representations.js';

/** Answers with frames as they are stored, each one ranged read. */
@Injectable()
export class AnswerFrames {
  constructor(
    private readonly findFrames: FindFrames,
    private readonly readMetadata: ReadMetadata,
    private readonly images: ImageService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @param numbers counting from 1, in the order wanted @throws ArchiveError as FindFrames; HttpProblem 406 */
  async answer(request: FastifyRequest, reply: FastifyReply, uids: InstanceUids, numbers: number[]): Promise<void> {
    const { instance, frames } = await this.findFrames.open(uids, numbers);
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
      const { bytes } = await this.images.transcodeFrame(
        await buffer(await frame.open()),
        description,
        explicitLittleEndian,
      );
      return Readable.from([bytes]);
    };
  }
}

const open = (frame: Frame): Promise<Readable> => frame.open();
