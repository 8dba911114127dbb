import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { ArchiveError, type InstanceRow, OpenInstance } from '#libs/archive';
import {
  explicitLittleEndian,
  type NewElement,
  type NewPixelData,
  rewritePart10,
  type RewriteSource,
  type Rewriting,
  transferSyntaxOf,
} from '#libs/dicom';
import { describePixels, type FrameDescription, isEncodable, type TranscodedFrame } from '#libs/images';
import { openStream } from '../../wire/open-stream.js';
import { FindFrames } from '../frames/find-frames.js';
import { isRewritten, madeSyntaxes } from './possible-syntaxes.js';
import { ReadPixelAttributes } from './read-pixel-attributes.js';
import { TranscodeFrames } from './transcode-frames.js';
import { transcodingError } from './transcoding-error.js';
import { nativeBytesMax, nativeLength, writeFragments, writeNative } from './write-pixel-data.js';

/** A Part 10 object on its way out. */
export interface TranscodedInstance {
  body: Readable;
  /** Bytes, when known before they are made. */
  length?: number;
}

/** Instances in the transfer syntaxes in which clients may have them: made as their bytes go out, frame by frame. */
@Injectable()
export class TranscodeInstance {
  constructor(
    private readonly openInstance: OpenInstance,
    private readonly findFrames: FindFrames,
    private readonly frames: TranscodeFrames,
    private readonly attributes: ReadPixelAttributes,
  ) {}

  /**
   * The transfer syntaxes in which this instance can be given, the preferred one first: the stored one if it may be used
   * on the web; for implicit, big endian and deflated ones Explicit VR Little Endian, then the stored one (PS3.18 8.7.3).
   * Then those made by decoding and by encoding without loss, as far as the row tells: {@link open} may still refuse
   * samples that a codec has no room for.
   */
  syntaxes(row: Pick<InstanceRow, 'transferSyntaxUid' | 'frameKind'>): string[] {
    const stored = row.transferSyntaxUid;
    return [...(isRewritten(stored) ? [explicitLittleEndian, stored] : [stored]), ...madeSyntaxes(row)];
  }

  /**
   * The instance as a Part 10 object in that syntax, one of {@link syntaxes}. The first frame is made before this
   * resolves, so that what cannot be decoded or encoded is still an honest error answer.
   * @throws ArchiveError 'frames-not-readable' when it cannot be given in that syntax; as OpenInstance
   */
  async open(row: InstanceRow, transferSyntaxUid: string): Promise<TranscodedInstance> {
    const { sopClassUid, sopInstanceUid } = row;
    if (transferSyntaxUid === row.transferSyntaxUid) {
      return { body: await this.openInstance.open(row), length: row.length };
    }
    const source: RewriteSource = {
      open: (offset) => this.openInstance.openRange(row, offset, row.length - offset),
    };
    const rewriting = { sopClassUid, sopInstanceUid, transferSyntaxUid };
    try {
      if (!this.syntaxes(row).includes(transferSyntaxUid)) throw this.refused(row, transferSyntaxUid, '');
      const isAsItIs = transferSyntaxUid === explicitLittleEndian && isRewritten(row.transferSyntaxUid);
      const changes = isAsItIs ? rewriting : { ...rewriting, ...(await this.newPixels(row, transferSyntaxUid)) };
      return { body: await openStream(rewritePart10(source, changes)) };
    } catch (error) {
      throw transcodingError(error, row);
    }
  }

  private async newPixels(
    row: InstanceRow,
    transferSyntaxUid: string,
  ): Promise<Required<Pick<Rewriting, 'elements' | 'pixelData'>>> {
    const isNative = transferSyntaxUid === explicitLittleEndian;
    const description = describePixels(await this.attributes.read(row), row.transferSyntaxUid, 0);
    const { rows, columns, samplesPerPixel, bitsAllocated } = description;
    const numberOfFrames = row.numberOfFrames ?? 1;
    const layout = { frameBits: rows * columns * samplesPerPixel * bitsAllocated, numberOfFrames, bitsAllocated };
    if (isNative && nativeLength(layout) > nativeBytesMax) {
      throw this.refused(row, transferSyntaxUid, `: its frames would take ${nativeLength(layout)} bytes`);
    }
    if (!isNative && !isEncodable(description, transferSyntaxUid)) {
      throw this.refused(row, transferSyntaxUid, ': its samples are not of a kind that this codec keeps');
    }
    const isEncapsulated = transferSyntaxOf(row.transferSyntaxUid).encapsulated;
    const end = isEncapsulated ? await this.fragmentsEnd(row, numberOfFrames) : undefined;
    const frames = this.frames.all(row, numberOfFrames, transferSyntaxUid);
    const first = (await frames.next()).value as TranscodedFrame;
    const all = startingWith(first, frames);
    const pixelData: NewPixelData = {
      write: () => (isNative ? writeNative(all, layout) : writeFragments(all)),
      ...(end !== undefined && { fragmentsEnd: end }),
    };
    return { elements: newElements(row, description, first.photometricInterpretation, isNative), pixelData };
  }

  /** The byte behind the last frame. */
  private async fragmentsEnd(row: InstanceRow, numberOfFrames: number): Promise<number | undefined> {
    const { frames } = await this.findFrames.open(row, [numberOfFrames]);
    return frames[0]!.endOffset;
  }

  private refused(row: InstanceRow, transferSyntaxUid: string, why: string): ArchiveError {
    return new ArchiveError(
      'frames-not-readable',
      `Instance ${row.sopInstanceUid} is stored in transfer syntax ${row.transferSyntaxUid} and cannot be given in ${transferSyntaxUid}${why}`,
    );
  }
}

async function* startingWith<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}

/** What the dataset says of pixels that are new (PS3.3 C.7.6.3). */
function newElements(
  { transferSyntaxUid }: InstanceRow,
  { samplesPerPixel, planarConfiguration }: FrameDescription,
  photometricInterpretation: string,
  isNative: boolean,
): Map<string, NewElement | undefined> {
  const elements = new Map<string, NewElement | undefined>([
    ['00280004', text(photometricInterpretation)],
    // Extended Offset Table, its lengths, and Encapsulated Pixel Data Value Total Length: of the fragments there were.
    ['7FE00001', undefined],
    ['7FE00002', undefined],
    ['7FE00003', undefined],
  ]);
  // Required with colours; codecs have the samples of a pixel together.
  const planes = isNative ? planarConfiguration : 0;
  if (samplesPerPixel > 1) elements.set('00280006', { vr: 'US', value: Buffer.of(planes, 0) });
  // Once lossy, always lossy (PS3.3 C.7.6.1.1.5). The others that may lose something need not have.
  if (isAlwaysLossy(transferSyntaxUid)) elements.set('00282110', text('01'));
  return elements;
}

const isAlwaysLossy = (uid: string) => /^1\.2\.840\.10008\.1\.2\.4\.(5[0-6]|111)$/.test(uid);

function text(value: string): NewElement {
  return { vr: 'CS', value: Buffer.from(value.length % 2 === 0 ? value : `${value} `, 'latin1') };
}
