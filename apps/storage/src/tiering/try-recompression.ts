import { Injectable } from '@nestjs/common';
import { FrameCodec, NotCompressible, PackBytes } from '#libs/archive';
import { BlobError, BlobStores } from '#libs/blobs';
import { DataSource } from '#libs/database';
import type { Move } from './choose-moves.js';
import { planFrames } from './plan-frames.js';
import { readSeries } from './read-series.js';

/** What compressing came to on some series of many. */
export interface RecompressionTrial {
  /** Series of which a frame was compressed, or was seen not to be compressible. */
  tried: number;
  /** Bytes that would be stored for each that came, as the mean of those tried. 1: nothing is saved. */
  storedShare: number;
  /** Of a processor, for each byte that came: compressing, decoding to compare, and decoding once more as it is read back. */
  secondsPerByte: number;
  /** Why frames would be left as they are, and of how many of those tried. */
  keptAsIs: Record<string, number>;
}

/** Finds out what compressing on the way would save and take, by doing it to a frame of each of some series. */
@Injectable()
export class TryRecompression {
  private started: Promise<unknown> | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    private readonly bytes: PackBytes,
    private readonly codec: FrameCodec,
  ) {}

  /**
   * @param sample of series, chosen by their bytes: one twice as large twice as likely
   * @param until no more are begun after this time, of {@link performance.now}
   * @throws ArchiveError 'archive-unavailable'
   */
  async try(sample: readonly Move[], until: number): Promise<RecompressionTrial> {
    const trial: RecompressionTrial = { tried: 0, storedShare: 0, secondsPerByte: 0, keptAsIs: {} };
    for (const move of sample) {
      if (performance.now() > until) break;
      let result: { share: number; secondsPerByte: number } | undefined;
      try {
        result = await this.tryOne(move);
      } catch (error) {
        if (error instanceof BlobError) continue; // it is away, or archived
        if (!(error instanceof NotCompressible)) throw error;
        trial.keptAsIs[error.message] = (trial.keptAsIs[error.message] ?? 0) + 1;
        result = { share: 1, secondsPerByte: 0 };
      }
      if (result === undefined) continue;
      trial.tried += 1;
      trial.storedShare += result.share;
      trial.secondsPerByte += result.secondsPerByte;
    }
    const { tried } = trial;
    if (tried === 0) return { ...trial, storedShare: 1 };
    return { ...trial, storedShare: trial.storedShare / tried, secondsPerByte: trial.secondsPerByte / tried };
  }

  /** The middle frame of its middle instance. @returns undefined when it is gone, or cannot be read now */
  private async tryOne(move: Move): Promise<{ share: number; secondsPerByte: number } | undefined> {
    const layout = await readSeries(this.dataSource, move.studyInstanceUid, move.seriesInstanceUid);
    const instance = layout?.instances[Math.floor(layout.instances.length / 2)];
    if (layout === undefined || instance === undefined) return undefined;
    const pack = layout.packs.get(instance.packId);
    if (pack?.originalBytes != null) throw new NotCompressible('it is compressed already');
    const copy = pack?.copies.find(({ store }) => this.stores.named(store).archive === undefined);
    if (copy === undefined) return undefined;
    const plan = await planFrames(this.dataSource, instance.instanceKey);
    const raw = Buffer.allocUnsafe(plan.bytes);
    const offset = instance.offset + plan.offset + Math.floor(plan.count / 2) * plan.bytes;
    await this.bytes.of(instance.packId, copy).readInto(copy.key, offset, raw);
    // The codec's processes start with the first frame they are given; what they take is no part of what frames take.
    this.started ??= this.codec.encode(raw, plan.shape).catch(() => undefined);
    await this.started;
    const begun = performance.now();
    const encoded = await this.codec.encode(raw, plan.shape);
    await this.codec.decode(encoded.bytes, encoded.shape, plan.bytes);
    const seconds = (performance.now() - begun) / 1_000;
    const saved = (raw.length - encoded.bytes.length) * plan.count;
    return {
      share: 1 - saved / instance.length,
      secondsPerByte: ((seconds / raw.length) * (plan.count * raw.length)) / instance.length,
    };
  }
}
