import { buffer } from 'node:stream/consumers';
import { Inject, Injectable } from '@nestjs/common';
import type { Frame, InstanceRow } from '#libs/archive';
import { CONFIG, type Config } from '#libs/config';
import { explicitLittleEndian } from '#libs/dicom';
import { describePixels, ImageService, isEncodable, type TranscodedFrame } from '#libs/images';
import { FindFrames } from '../frames/find-frames.js';
import { SingleFlightCache } from '../single-flight-cache.js';
import { ReadPixelAttributes } from './read-pixel-attributes.js';
import { inOrder } from './in-order.js';
import { transcodingError } from './transcoding-error.js';

/** Frames whose places are looked up by one query. */
const framesPerQuery = 256;
const cacheBytesMax = 64 * 1024 * 1024;

/** Frames in another transfer syntax than they are stored in, decoded and encoded one by one off the event loop. */
@Injectable()
export class TranscodeFrames {
  private readonly cache = new SingleFlightCache<Buffer>(cacheBytesMax, (bytes) => bytes.length);

  constructor(
    private readonly findFrames: FindFrames,
    private readonly attributes: ReadPixelAttributes,
    private readonly images: ImageService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** Whether this instance's samples are of a kind that can be given in the transfer syntax. */
  async isPossible(instance: InstanceRow, transferSyntaxUid: string): Promise<boolean> {
    const attributes = await this.attributes.read(instance);
    try {
      const description = describePixels(attributes, instance.transferSyntaxUid, 0);
      return transferSyntaxUid === explicitLittleEndian || isEncodable(description, transferSyntaxUid);
    } catch {
      // Attributes that make no sense make no frames either; asked for them, we say which.
      return false;
    }
  }

  /** One frame; equal requests at a time are one, and recent frames are kept. @throws ArchiveError, HttpProblem */
  one(instance: InstanceRow, frame: Frame, transferSyntaxUid: string): Promise<Buffer> {
    const key = `${instance.sha256.toString('hex')} ${frame.frameNumber} ${transferSyntaxUid}`;
    return this.cache.get(key, async () => (await this.transcode(instance, frame, transferSyntaxUid, true)).bytes);
  }

  /** All frames, in order, as many at once as there are processes. @throws ArchiveError, HttpProblem */
  all(instance: InstanceRow, numberOfFrames: number, transferSyntaxUid: string): AsyncGenerator<TranscodedFrame> {
    return inOrder(this.tasks(instance, numberOfFrames, transferSyntaxUid), this.config.imageWorkers);
  }

  private async *tasks(
    instance: InstanceRow,
    numberOfFrames: number,
    transferSyntaxUid: string,
  ): AsyncGenerator<() => Promise<TranscodedFrame>> {
    for (let first = 1; first <= numberOfFrames; first += framesPerQuery) {
      const count = Math.min(framesPerQuery, numberOfFrames - first + 1);
      const numbers = Array.from({ length: count }, (_, at) => first + at);
      const { frames } = await this.findFrames.open(instance, numbers);
      for (const frame of frames) yield () => this.transcode(instance, frame, transferSyntaxUid, false);
    }
  }

  private async transcode(
    instance: InstanceRow,
    frame: Frame,
    transferSyntaxUid: string,
    isApart: boolean,
  ): Promise<TranscodedFrame> {
    try {
      const attributes = await this.attributes.read(instance);
      const described = describePixels(attributes, instance.transferSyntaxUid, frame.frameNumber - 1);
      // One-bit frames come from a byte boundary on.
      const description = { ...described, bitOffset: 0 };
      const bytes = await buffer(await frame.open());
      return await this.images.transcodeFrame(bytes, description, transferSyntaxUid, isApart);
    } catch (error) {
      throw transcodingError(error, instance);
    }
  }
}
