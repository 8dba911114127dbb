import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import type { InstanceUids } from '#libs/archive';
import { FindFrames } from './find-frames.js';

/** Whole frames in memory, for who decodes them. */
@Injectable()
export class ReadFrames {
  constructor(private readonly findFrames: FindFrames) {}

  /** @param frameIndexes counting from 0 @returns their bytes in that order @throws ArchiveError as FindFrames */
  async read(uids: InstanceUids, frameIndexes: readonly number[]): Promise<Buffer[]> {
    const { frames } = await this.findFrames.open(
      uids,
      frameIndexes.map((index) => index + 1),
    );
    const read: Buffer[] = [];
    for (const { bytes, open, readInto } of frames) {
      if (bytes === undefined || readInto === undefined) read.push(await buffer(await open()));
      else {
        const frame = Buffer.allocUnsafe(bytes);
        await readInto(0, frame);
        read.push(frame);
      }
    }
    return read;
  }
}
