import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { DataSource, queryPrepared } from '#libs/database';
import { readFrameRange, transferSyntaxOf } from '#libs/dicom';
import { ArchiveError } from '../archive-error.js';
import { missing } from '../deletion/missing.js';
import { type InstanceRow, instanceSelection, instanceTables, type InstanceUids } from './open-instance.js';
import { ReadPack } from './read-pack.js';

interface FrameRow extends InstanceRow {
  pixelDataOffset: number | null;
  frameBits: number | null;
  frameCount: number;
  /** One 16-byte entry for each frame asked for, in that order; encapsulated only. */
  entries: Buffer[] | null;
}

/** Of entries of 16 bytes: PostgreSQL counts the bytes of a value in 31 bits, and what is behind them is beyond any end. */
const frameNumberMax = 2 ** 27 - 1;

/** One frame: the bare codestream, or the uncompressed pixels as stored, from a byte boundary on. */
export interface Frame {
  frameNumber: number;
  /** Of the bytes `open` gives; undefined when that takes reading them. */
  bytes: number | undefined;
  /** Behind its last byte, from the first of the Part 10 object; undefined where it has no place in the object's bytes. */
  endOffset: number | undefined;
  open(): Promise<Readable>;
  /** Some of its bytes alone, where they lie next to each other. @param start from its first byte */
  openRange?: (start: number, length: number) => Promise<Readable>;
  /** Fills `target` with them, from `start` on; there where `openRange` is. */
  readInto?: (start: number, target: Uint8Array) => Promise<void>;
}

export interface OpenedFrames {
  instance: InstanceRow;
  frames: Frame[];
}

const itemHeaderBytes = 8;

/** Frames by number, each one ranged read: where they are was found out when the instance was stored. */
@Injectable()
export class OpenFrames {
  constructor(
    private readonly dataSource: DataSource,
    private readonly packs: ReadPack,
  ) {}

  /**
   * @param frameNumbers from 1, in the order wanted
   * @throws ArchiveError 'instance-not-found', 'gone'; 'frame-not-found' past the end, or without pixel data;
   * 'frames-not-readable' when the frames have no place in the bytes (deflated, damaged)
   */
  async open(uids: InstanceUids, frameNumbers: number[]): Promise<OpenedFrames> {
    const row = await this.find(uids, frameNumbers);
    const { sopInstanceUid } = uids;
    if (row.frameKind === 'none')
      throw new ArchiveError('frame-not-found', `Instance ${sopInstanceUid} has no pixel data`);
    if (row.frameKind === 'unindexable') {
      throw new ArchiveError('frames-not-readable', `The frames of instance ${sopInstanceUid} cannot be told apart`);
    }
    const beyond = frameNumbers.find((number) => number > row.frameCount);
    if (beyond !== undefined) {
      throw new ArchiveError(
        'frame-not-found',
        `Instance ${sopInstanceUid} has ${row.frameCount} frames; frame ${beyond} was asked for`,
      );
    }
    const frames = frameNumbers.map((frameNumber, position) =>
      row.frameKind === 'native'
        ? this.native(row, frameNumber)
        : this.encapsulated(row, frameNumber, row.entries![position]!),
    );
    return { instance: row, frames };
  }

  private async find(uids: InstanceUids, frameNumbers: number[]): Promise<FrameRow> {
    const [row] = await queryPrepared<FrameRow>(
      this.dataSource,
      'frames-by-number',
      `select ${instanceSelection}, i.pixel_data_offset as "pixelDataOffset", i.frame_bits as "frameBits",
              coalesce(octet_length(i.frame_entries) / 16, i.number_of_frames, 1) as "frameCount",
              case when i.frame_kind = 'encapsulated' then
                (select array_agg(substring(i.frame_entries from (least(f.number, ${frameNumberMax}) - 1) * 16 + 1 for 16)
                                  order by f.position)
                   from unnest($4::integer[]) with ordinality as f (number, position)) end as entries
         from ${instanceTables}
        where i.sop_instance_uid = $3 and st.study_instance_uid = $1 and se.series_instance_uid = $2`,
      [uids.studyInstanceUid, uids.seriesInstanceUid, uids.sopInstanceUid, frameNumbers],
    );
    return row ?? missing(this.dataSource, uids);
  }

  private native(row: FrameRow, frameNumber: number): Frame {
    const frameBits = row.frameBits!;
    const firstBit = (frameNumber - 1) * frameBits;
    const start = Math.floor(firstBit / 8);
    // Bytes in words of the other order: the last of an odd number lies behind the byte that pads it (PS3.5 7.3).
    const isPadded = transferSyntaxOf(row.transferSyntaxUid).bigEndian && firstBit === 0 && frameBits % 16 === 8;
    const end = Math.ceil((firstBit + frameBits) / 8) + (isPadded ? 1 : 0);
    const shift = firstBit % 8;
    const range = this.range(row, row.pixelDataOffset! + start, end - start);
    const bytes = Math.ceil(frameBits / 8) + (isPadded ? 1 : 0);
    const endOffset = row.pixelDataOffset! + end;
    if (shift === 0) return { frameNumber, bytes, endOffset, ...range };
    return {
      frameNumber,
      bytes,
      endOffset,
      open: async () => Readable.from([fromByteBoundary(await buffer(await range.open()), shift, bytes)]),
    };
  }

  private encapsulated(row: FrameRow, frameNumber: number, entry: Buffer): Frame {
    const { offset, length, fragments } = readFrameRange(entry, 0);
    const range = this.range(row, offset, length);
    const endOffset = offset + length;
    if (fragments === 1) return { frameNumber, bytes: length, endOffset, ...range };
    return {
      frameNumber,
      endOffset,
      bytes: length - fragments * itemHeaderBytes,
      open: async () => Readable.from(withoutItemHeaders(await range.open())),
    };
  }

  /** Bytes of the object, all of them or some. */
  private range(row: FrameRow, offset: number, length: number) {
    const openRange = (start: number, count: number) =>
      this.packs.open(row.packId, row.packOffset + offset + start, count, row.location);
    const readInto = (start: number, target: Uint8Array) =>
      this.packs.readInto(row.packId, row.packOffset + offset + start, target, row.location);
    return { open: () => openRange(0, length), openRange, readInto };
  }
}

/** 1-bit frames follow each other without a gap (PS3.5 8.1.1); on the wire each begins at a byte (PS3.18 8.7.3.3.2). */
function fromByteBoundary(packed: Buffer, shift: number, bytes: number): Buffer {
  const out = Buffer.alloc(bytes);
  for (let index = 0; index < bytes; index += 1) {
    out[index] = ((packed[index]! >> shift) | ((packed[index + 1] ?? 0) << (8 - shift))) & 0xff;
  }
  return out;
}

/** Fragments joined to the codestream they are (PS3.18 8.7.3.3.2): each item's header says how long it is. */
async function* withoutItemHeaders(items: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let header = Buffer.alloc(0);
  let left = 0;
  for await (let chunk of items) {
    while (chunk.length > 0) {
      if (left === 0) {
        const missing = itemHeaderBytes - header.length;
        header = Buffer.concat([header, chunk.subarray(0, missing)]);
        chunk = chunk.subarray(missing);
        if (header.length < itemHeaderBytes) break;
        left = header.readUInt32LE(4);
        header = Buffer.alloc(0);
        continue;
      }
      const piece = chunk.subarray(0, left);
      left -= piece.length;
      chunk = chunk.subarray(piece.length);
      yield piece;
    }
  }
}
