import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ArchiveError, type Frame, type InstanceRow, type InstanceUids } from '#libs/archive';
import { transferSyntaxOf } from '#libs/dicom';
import { HttpProblem } from '#libs/server';
import { LOGGER, type Logger } from '#libs/telemetry';
import { answeredNotModified, revalidate } from '../../http/caching.js';
import { acceptableOf, chooseRepresentation } from '../../http/request.js';
import { sendMultipart, sendStream } from '../../http/send-stream.js';
import { describeRepresentation, negotiateAccept } from '../../wire/negotiate-accept.js';
import type { Part, SizedPart } from '../../wire/write-multipart.js';
import { TranscodeFrames } from '../transcoding/transcode-frames.js';
import { FindFrames } from './find-frames.js';
import { type FrameRepresentation, frameRepresentations } from './frame-representations.js';

/** What the answer is made of, besides the request. */
interface Answer {
  instance: InstanceRow;
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
    const offers = frameRepresentations(instance, frames.length);
    const chosen = await this.choose(request, instance, offers);
    if (!chosen.isMade) return this.answerStored(request, reply, this.answerOf(instance, frames, chosen));

    const answer = this.answerOf(instance, frames, chosen);
    if (answeredNotModified(request, reply, answer.headers)) return;
    try {
      // The first frame is made before anything is promised: the samples may be more than their codec can take.
      const first = request.method === 'HEAD' ? undefined : await this.made(answer, frames[0]!);
      await this.sendMade(request, reply, answer, first);
    } catch (error) {
      if (!(error instanceof ArchiveError && error.code === 'frames-not-readable')) throw error;
      const stored = this.storedInstead(request, offers, error);
      await this.answerStored(request, reply, this.answerOf(instance, frames, stored));
    }
  }

  private answerOf(instance: InstanceRow, frames: Frame[], chosen: FrameRepresentation): Answer {
    const { mediaType, transferSyntaxUid, isMultipart, isMade } = chosen;
    const contentType = `${mediaType}; transfer-syntax=${transferSyntaxUid}`;
    const numbers = frames.map(({ frameNumber }) => frameNumber);
    const form = Buffer.from(`${contentType} ${isMultipart} ${numbers.join()}`);
    const digest = hash('sha256', Buffer.concat([instance.sha256, form]), 'base64url');
    // What is made is the same frame each time, and not for certain the same bytes with the next release.
    const etag = `${isMade ? 'W/' : ''}"f-${digest}"`;
    return { instance, frames, chosen, contentType, headers: { etag, vary: 'accept', 'cache-control': revalidate } };
  }

  /** Most take what is stored, and are not made to wait for what the samples could become. */
  private async choose(
    request: FastifyRequest,
    instance: InstanceRow,
    offers: readonly FrameRepresentation[],
  ): Promise<FrameRepresentation> {
    const chosen = negotiateAccept(acceptableOf(request), offers);
    if (chosen !== undefined && !chosen.isMade) return chosen;
    const possible: FrameRepresentation[] = [];
    for (const offer of offers) {
      if (!offer.isMade || (await this.transcode.isPossible(instance, offer.transferSyntaxUid))) possible.push(offer);
    }
    return chooseRepresentation(request, possible);
  }

  /** For who named no transfer syntax: a frame that proves undecodable is better had as it is stored than not at all. */
  private storedInstead(
    request: FastifyRequest,
    offers: readonly FrameRepresentation[],
    { message }: ArchiveError,
  ): FrameRepresentation {
    const stored = offers.filter(({ isMade }) => !isMade);
    const chosen = negotiateAccept(acceptableOf(request), stored);
    if (chosen !== undefined) return chosen;
    const possible = stored.map(describeRepresentation);
    throw new HttpProblem(406, 'Not Acceptable', `${message} It can be had as ${possible.join(' or as ')}.`, {
      possible,
    });
  }

  private made({ instance, chosen }: Answer, frame: Frame): Promise<Buffer> {
    return this.transcode.one(instance, frame, chosen.transferSyntaxUid);
  }

  private async answerStored(request: FastifyRequest, reply: FastifyReply, answer: Answer): Promise<void> {
    if (answeredNotModified(request, reply, answer.headers)) return;
    // Big endian is not for the web (PS3.18 8.7.3): its frames are given in little endian.
    if (transferSyntaxOf(answer.instance.transferSyntaxUid).bigEndian) return this.sendMade(request, reply, answer);
    await this.sendStored(request, reply, answer);
  }

  private async sendStored(
    request: FastifyRequest,
    reply: FastifyReply,
    { frames, chosen, contentType, headers }: Answer,
  ): Promise<void> {
    const { isMultipart, mediaType } = chosen;
    if (!isMultipart) {
      const { bytes: length, open, openRange, readInto } = frames[0]!;
      const typed = { ...headers, 'content-type': contentType };
      return sendStream(request, reply, { headers: typed, length, open, openRange, readInto }, this.logger);
    }
    const sized: SizedPart[] = [];
    for (const { bytes, open, openRange, readInto } of frames) {
      if (bytes !== undefined) sized.push({ contentType, length: bytes, open, openRange, readInto });
    }
    const parts = async function* (): AsyncGenerator<Part> {
      for (const frame of frames) yield { contentType, body: await frame.open() };
    };
    const hasLength = sized.length === frames.length;
    await sendMultipart(request, reply, { headers, mediaType, parts: hasLength ? sized : parts }, this.logger);
  }

  /** @param first the first frame, where it has been made already */
  private async sendMade(request: FastifyRequest, reply: FastifyReply, answer: Answer, first?: Buffer): Promise<void> {
    const { frames, chosen, contentType, headers } = answer;
    const make = async (frame: Frame) => (frame === frames[0] ? first : undefined) ?? this.made(answer, frame);
    if (!chosen.isMultipart) {
      const bytes = request.method === 'HEAD' ? undefined : await make(frames[0]!);
      const typed = { ...headers, 'content-type': contentType };
      const open = async () => bytes!;
      return sendStream(request, reply, { headers: typed, length: bytes?.length, open }, this.logger);
    }
    const parts = async function* (): AsyncGenerator<Part> {
      for (const frame of frames) yield { contentType, body: await make(frame) };
    };
    await sendMultipart(request, reply, { headers, mediaType: chosen.mediaType, parts }, this.logger);
  }
}
