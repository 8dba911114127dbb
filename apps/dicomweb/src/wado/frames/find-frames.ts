import { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import {
  ArchiveError,
  type Frame,
  type InstanceRow,
  type InstanceUids,
  type OpenedFrames,
  OpenFrames,
  OpenInstance,
} from '#libs/archive';
import { readPart10 } from '#libs/dicom';
import { InflateInstance } from './inflate-instance.js';

/** Frames wherever they are: by the archive's index, or in what a deflated instance inflates to. */
@Injectable()
export class FindFrames {
  constructor(
    private readonly openFrames: OpenFrames,
    private readonly openInstance: OpenInstance,
    private readonly inflateInstance: InflateInstance,
  ) {}

  /** @param numbers counting from 1 @throws ArchiveError as OpenFrames */
  async open(uids: InstanceUids, numbers: number[]): Promise<OpenedFrames> {
    try {
      return await this.openFrames.open(uids, numbers);
    } catch (error) {
      if (!(error instanceof ArchiveError && error.code === 'frames-not-readable')) throw error;
      const instance = await this.openInstance.find(uids);
      if (!this.inflateInstance.isDeflated(instance)) throw error;
      return { instance, frames: await this.inflatedFrames(instance, numbers, error) };
    }
  }

  private async inflatedFrames(instance: InstanceRow, numbers: number[], otherwise: ArchiveError): Promise<Frame[]> {
    const bytes = await this.inflateInstance.inflate(instance);
    const { frames } = readPart10(bytes);
    // Frames that begin within a byte are single bits, which nobody deflates a whole data set for.
    if (frames.kind !== 'native' || frames.frameBits % 8 !== 0) throw otherwise;
    const { pixelDataOffset, frameBits, numberOfFrames } = frames;
    const length = frameBits / 8;
    return numbers.map((frameNumber) => {
      if (frameNumber > numberOfFrames) {
        throw new ArchiveError(
          'frame-not-found',
          `Instance ${instance.sopInstanceUid} has ${numberOfFrames} frames; frame ${frameNumber} was asked for`,
        );
      }
      const start = pixelDataOffset + (frameNumber - 1) * length;
      const open = async () => Readable.from([bytes.subarray(start, start + length)]);
      return { frameNumber, bytes: length, endOffset: undefined, open };
    });
  }
}
