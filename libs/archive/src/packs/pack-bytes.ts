import { Readable } from 'node:stream';
import { Injectable, Optional } from '@nestjs/common';
import { type BlobStore, BlobStores } from '#libs/blobs';
import { DataSource, queryPrepared } from '#libs/database';
import type { SampleShape } from '#libs/images';
import { ByteCursor } from './byte-cursor.js';
import { FrameCodec } from './frame-codec.js';
import { type PackPart, type Piece, piecesOf } from './pack-part.js';

/** Reads ranges of blobs. */
export type ByteRanges = Pick<BlobStore, 'readRange' | 'readInto' | 'isLocal' | 'givesChunksAway'>;

interface PartRow extends Omit<PackPart, 'frames'> {
  framesOffset: number | null;
  frameBytes: number | null;
  frameLengths: Buffer | null;
  frameShape: SampleShape | null;
}

const packsMax = 16;

/** The bytes of packs as they came, however they are stored. */
@Injectable()
export class PackBytes {
  private readonly known = new Map<string, Promise<PackPart[]>>();
  private readonly codec: FrameCodec;

  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    @Optional() codec?: FrameCodec,
  ) {
    this.codec = codec ?? new FrameCodec();
  }

  /** What reads a copy of a pack: the store itself, where the pack is stored as it came. */
  of(packId: string, copy: { store: string; encoding?: string | null }): ByteRanges {
    const store = this.stores.named(copy.store);
    // Unknown encodings are those of a newer version; there is none, since schemas go forward only.
    return copy.encoding == null ? store : new ExpandedBlob(store, () => this.partsOf(packId), this.codec);
  }

  /** A pack never changes, and neither do its parts. */
  private partsOf(packId: string): Promise<PackPart[]> {
    const known = this.known.get(packId) ?? this.read(packId);
    this.known.delete(packId);
    this.known.set(packId, known);
    known.catch(() => this.known.delete(packId));
    if (this.known.size > packsMax) this.known.delete(this.known.keys().next().value!);
    return known;
  }

  private async read(packId: string): Promise<PackPart[]> {
    const rows = await queryPrepared<PartRow>(
      this.dataSource,
      'parts-of-pack',
      `select pack_offset as offset, length, stored_offset as "storedOffset", stored_length as "storedLength",
              frames_offset as "framesOffset", frame_bytes as "frameBytes", frame_lengths as "frameLengths",
              frame_shape as "frameShape"
         from pack_part where pack_id = $1 order by pack_offset`,
      [packId],
    );
    return rows.map(({ framesOffset, frameBytes, frameLengths, frameShape, ...part }) => ({
      ...part,
      frames:
        framesOffset === null
          ? undefined
          : { offset: framesOffset, bytes: frameBytes!, lengths: frameLengths!, shape: frameShape! },
    }));
  }
}

/** A blob whose frames are compressed, as it was before: each range is one range of what is stored. */
class ExpandedBlob implements ByteRanges {
  constructor(
    private readonly store: ByteRanges,
    private readonly parts: () => Promise<readonly PackPart[]>,
    private readonly codec: FrameCodec,
  ) {}

  async readRange(key: string, offset: number, length: number): Promise<Readable> {
    const pieces = [...piecesOf(await this.parts(), offset, length)];
    const [first, last] = [pieces[0], pieces.at(-1)];
    if (first === undefined || last === undefined) throw new RangeError(`There are no bytes at ${offset} of ${key}`);
    const stored = last.storedOffset + last.storedLength - first.storedOffset;
    const body = await this.store.readRange(key, first.storedOffset, stored);
    return Readable.from(expand(body as AsyncIterable<Buffer>, pieces, this.codec), { objectMode: false });
  }

  async readInto(key: string, offset: number, target: Uint8Array): Promise<void> {
    let at = 0;
    for await (const chunk of await this.readRange(key, offset, target.length)) {
      target.set(chunk as Buffer, at);
      at += (chunk as Buffer).length;
    }
  }
}

/** What stored pieces become; one frame in memory at a time. @throws ArchiveError 'archive-unavailable' */
export async function* expand(
  stored: AsyncIterable<Buffer>,
  pieces: Iterable<Piece>,
  codec: FrameCodec,
): AsyncGenerator<Buffer> {
  const cursor = new ByteCursor(stored);
  try {
    for (const { storedLength, frame } of pieces) {
      if (frame === undefined) {
        yield* cursor.pass(storedLength);
        continue;
      }
      const decoded = await codec.decode(await cursor.take(storedLength), frame.shape, frame.bytes);
      yield decoded.subarray(frame.from, frame.to);
    }
  } finally {
    await cursor.close();
  }
}
