import {
  ByteCursor,
  type EncodedFrames,
  type FrameCodec,
  NotCompressible,
  type PackBytes,
  type PackPart,
} from '#libs/archive';
import type { BlobStore, BlobWriter } from '#libs/blobs';
import type { DataSource } from '#libs/database';
import { readLayout } from './copy-series.js';
import type { MoveProgress } from './move-progress.js';
import { type FramePlan, planFrames } from './plan-frames.js';
import type { PlacedInstance, SeriesLayout } from './read-series.js';
import { writeCopy } from './write-copy.js';

/** A series as it was written with its frames compressed. */
export interface RecompressedCopy {
  key: string;
  /** Of what is stored. */
  bytes: number;
  /** By instance, in the order in which they lie. */
  parts: PackPart[];
  /** Why frames were left as they are, and of how many instances. */
  keptAsIs: Record<string, number>;
}

/**
 * Writes the instances of a series one behind the other into a new blob, as copySeries does, uncompressed frames as HTJ2K.
 * Each frame is decoded again and written so only if that gives its bytes; everything around the frames is written as it
 * came. One frame is in memory at a time.
 * @returns what is where; it is durable, and not yet read back
 * @throws as copySeries; ArchiveError 'archive-unavailable'. Then the target holds nothing.
 */
export async function recompressSeries(
  db: DataSource,
  layout: SeriesLayout,
  packs: PackBytes,
  codec: FrameCodec,
  target: BlobStore,
  progress: MoveProgress,
  signal: AbortSignal,
): Promise<RecompressedCopy> {
  const keptAsIs: Record<string, number> = {};
  const parts: PackPart[] = [];
  let bytes = 0;
  const key = await writeCopy(target, layout.bytes, signal, progress, async (writer) => {
    const source = new ByteCursor(readLayout(layout, packs, signal));
    try {
      let offset = 0;
      for (const instance of layout.instances) {
        signal.throwIfAborted();
        const storedOffset = writer.bytes;
        const { frames, reason } = await new InstanceWriter(source, writer, codec, progress).write(db, instance);
        if (reason !== undefined) keptAsIs[reason] = (keptAsIs[reason] ?? 0) + 1;
        const { length } = instance;
        parts.push({ offset, length, storedOffset, storedLength: writer.bytes - storedOffset, frames });
        offset += length;
      }
      ({ bytes } = writer);
    } finally {
      await source.close();
    }
  });
  return { key, bytes, parts, keptAsIs };
}

interface Written {
  frames: EncodedFrames | undefined;
  /** Why frames are as they were, all of them or those from one on. */
  reason: string | undefined;
}

/** One instance on its way. */
class InstanceWriter {
  private shape: EncodedFrames['shape'] | undefined;
  private reason: string | undefined;

  constructor(
    private readonly source: ByteCursor,
    private readonly writer: BlobWriter,
    private readonly codec: FrameCodec,
    private readonly progress: MoveProgress,
  ) {}

  async write(db: DataSource, { instanceKey, length }: PlacedInstance): Promise<Written> {
    const plan = await this.try(() => planFrames(db, instanceKey));
    if (plan === undefined || plan.offset + plan.bytes * plan.count > length) {
      await this.pass(length);
      return { frames: undefined, reason: this.reason };
    }
    await this.pass(plan.offset);
    const lengths = Buffer.alloc(4 * plan.count);
    for (let index = 0; index < plan.count; index += 1) {
      lengths.writeUInt32LE(await this.frame(plan), 4 * index);
    }
    await this.pass(length - plan.offset - plan.bytes * plan.count);
    const { shape, reason } = this;
    return { frames: shape && { offset: plan.offset, bytes: plan.bytes, lengths, shape }, reason };
  }

  /** @returns bytes that are stored of it */
  private async frame(plan: FramePlan): Promise<number> {
    const raw = await this.source.take(plan.bytes);
    // After one that could not be compressed the rest is not tried either.
    const encoded = this.reason === undefined ? await this.try(() => this.encode(raw, plan)) : undefined;
    const bytes = encoded ?? raw;
    await this.writer.write(bytes);
    await this.progress.copied(raw.length);
    return bytes.length;
  }

  private async encode(raw: Buffer, plan: FramePlan): Promise<Buffer> {
    const { bytes, shape } = await this.codec.encode(raw, plan.shape);
    this.shape ??= shape;
    if (shape.photometricInterpretation === this.shape.photometricInterpretation) return bytes;
    throw new NotCompressible('its frames would not be of one kind');
  }

  private async pass(length: number): Promise<void> {
    for await (const chunk of this.source.pass(length)) {
      await this.writer.write(chunk);
      await this.progress.copied(chunk.length);
    }
  }

  private async try<Result>(attempt: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof NotCompressible)) throw error;
      this.reason = error.message;
      return undefined;
    }
  }
}
