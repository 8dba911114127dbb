import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Frame, InstanceRow, InstanceUids } from '#libs/archive';
import { transferSyntaxOf } from '#libs/dicom';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, immutable } from '../../http/caching.js';
import { acceptableOf, chooseRepresentation } from '../../http/request.js';
import { sendMultipart, sendStream } from '../../http/send-stream.js';
import { negotiateAccept } from '../../wire/negotiate-accept.js';
import type { Part, SizedPart } from '../../wire/write-multipart.js';
import { explicitLittleEndian } from '../transcoding/possible-syntaxes.js';
import { TranscodeFrames } from '../transcoding/transcode-frames.js';
import { FindFrames } from './find-frames.js';
import { type FrameRepresentation, frameRepresentations } from './frame-representations.js';

/** What the answer is made of, besides the request. */
interface Answer {
  frames: Frame[];
  chosen: FrameRepresentation;
  contentType: string;
  headers: { etag: string } & Record<string, string>;
}

/** Answers with frames: as they are stored, each one ranged read, or in another transfer syntax. */
@Injectable()
export class AnswerFrames {
  constructor(
    private readonly findFrames: FindFrames,
    private readonly transcode: TranscodeFrames,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @param numbers counting from 1, in the order wanted @throws ArchiveError as FindFrames; HttpProblem 406 */
  async answer(request: FastifyRequest, reply: FastifyReply, uids: InstanceUids, numbers: number[]): Promise<void> {
    const { instance, frames } = await this.findFrames.open(uids, numbers);
    const chosen = await this.choose(request, instance, frames.length);
    const { mediaType, transferSyntaxUid, isMade } = chosen;
    const contentType = `${mediaType}; transfer-syntax=${transferSyntaxUid}`;
    const digest = createHash('sha256')
      .update(instance.sha256)
      .update(`${contentType} ${chosen.isMultipart} ${numbers.join()}`)
      .digest('base64url');
    // What is made is the same frame each time, and not for certain the same bytes with the next release.
    const etag = `${isMade ? 'W/' : ''}"f-${digest}"`;
    const headers = { etag, vary: 'accept', 'cache-control': immutable };
    if (answeredNotModified(request, reply, headers)) return;

    const answer: Answer = { frames, chosen, contentType, headers };
    if (isMade) return this.sendMade(request, reply, answer, (frame) => this.made(instance, frame, transferSyntaxUid));
    // Big endian is not for the web (PS3.18 8.7.3): its frames are given in little endian.
    if (transferSyntaxOf(instance.transferSyntaxUid).bigEndian) {
      return this.sendMade(request, reply, answer, (frame) => this.made(instance, frame, explicitLittleEndian));
    }
    await this.sendStored(request, reply, answer);
  }

  /** Most take what is stored, and are not made to wait for what the samples could become. */
  private async choose(request: FastifyRequest, instance: InstanceRow, frames: number): Promise<FrameRepresentation> {
    const offers = frameRepresentations(instance, frames);
    const chosen = negotiateAccept(acceptableOf(request), offers);
    if (chosen !== undefined && !chosen.isMade) return chosen;
    const possible: FrameRepresentation[] = [];
    for (const offer of offers) {
      if (!offer.isMade || (await this.transcode.isPossible(instance, offer.transferSyntaxUid))) possible.push(offer);
    }
    return chooseRepresentation(request, possible);
  }

  private made(instance: InstanceRow, frame: Frame, transferSyntaxUid: string): Promise<Buffer> {
    return this.transcode.one(instance, frame, transferSyntaxUid);
  }

  private async sendStored(
    request: FastifyRequest,
    reply: FastifyReply,
    { frames, chosen, contentType, headers }: Answer,
  ): Promise<void> {
    const { isMultipart, mediaType } = chosen;
    if (!isMultipart) {
      const { bytes: length, open, openRange } = frames[0]!;
      const typed = { ...headers, 'content-type': contentType };
      return sendStream(request, reply, { headers: typed, length, open, openRange }, this.logger);
    }
    const sized: SizedPart[] = [];
    for (const { bytes, open, openRange } of frames) {
      if (bytes !== undefined) sized.push({ contentType, length: bytes, open, openRange });
    }
    const parts = async function* (): AsyncGenerator<Part> {
      for (const frame of frames) yield { contentType, body: await frame.open() };
    };
    const hasLength = sized.length === frames.length;
    await sendMultipart(request, reply, { headers, mediaType, parts: hasLength ? sized : parts }, this.logger);
  }

  private async sendMade(
    request: FastifyRequest,
    reply: FastifyReply,
    { frames, chosen, contentType, headers }: Answer,
    make: (frame: Frame) => Promise<Buffer>,
  ): Promise<void> {
    if (!chosen.isMultipart) {
      const bytes = request.method === 'HEAD' ? undefined : await make(frames[0]!);
      const typed = { ...headers, 'content-type': contentType };
      const open = async () => Readable.from([bytes!], { objectMode: false });
      return sendStream(request, reply, { headers: typed, length: bytes?.length, open }, this.logger);
    }
    const parts = async function* (): AsyncGenerator<Part> {
      for (const frame of frames) yield { contentType, body: await make(frame) };
    };
    await sendMultipart(request, reply, { headers, mediaType: chosen.mediaType, parts }, this.logger);
  }
}
