import { Inject, Injectable } from '@nestjs/common';
import { PackBytes } from '#libs/archive';
import { BlobError, BlobStores } from '#libs/blobs';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, execute, query } from '#libs/database';
import { type Job, OnJob } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';
import { StorageError } from '../storage-error.js';
import { verifyBlob } from '../tiering/copy-blob.js';
import { expectedColumns } from '../tiering/expected-bytes.js';
import { type AskedScrub, readAskedScrub } from './asked-scrub.js';
import { Failures } from './failures.js';
import { lookAtBlob } from './look-at-blob.js';
import { Pace } from './paced.js';
import { type NamedCopy, repairCopy } from './repair-copy.js';

export interface Scrubbed {
  copies: number;
  bytes: number;
  damaged: number;
  repaired: number;
}

/** One run ends before the next begins. */
const runMilliseconds = 9 * 60_000;
const pageSize = 100;
/** A round begins anew when this share of its days is over: what is due is not all due on the last. */
const roundShare = 0.8;

/**
 * Reads every copy within the configured days and compares its digest, those first that were not compared for longest, no
 * faster than configured. One that is flipped, cut, swapped or missing is written anew from another copy; where there is
 * none, it is an alarm, and its row stays: parts of it are still right, and a backup may have the rest.
 */
@Injectable()
export class ScrubJob {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly bytes: PackBytes,
  ) {}

  @OnJob('scrub')
  async handle({ payload, signal }: Pick<Job<'scrub'>, 'payload' | 'signal'>): Promise<void> {
    const days = payload.olderThanDays ?? this.config.scrubDays * roundShare;
    const scrubbed = await this.scrub(signal, days);
    if (scrubbed.copies > 0) this.logger.info({ ...scrubbed }, 'copies scrubbed');
  }

  /**
   * @param days copies that were compared since then are passed over
   * @throws AggregateError at the end, when something could not be done
   */
  async scrub(signal: AbortSignal, days: number, milliseconds = runMilliseconds): Promise<Scrubbed> {
    const until = Date.now() + milliseconds;
    const pace = new Pace(this.config.scrubBytesPerSecond);
    const failures = new Failures(this.logger, signal);
    const scrubbed: Scrubbed = { copies: 0, bytes: 0, damaged: 0, repaired: 0 };
    const asked = await readAskedScrub(this.dataSource);
    const seen = new Set<string>();
    while (Date.now() < until) {
      const page = (await this.readDue(days, asked)).filter(({ locationId }) => !seen.has(locationId));
      if (page.length === 0) break;
      for (const copy of page) {
        signal.throwIfAborted();
        if (Date.now() >= until) break;
        seen.add(copy.locationId);
        const { packId, store, key } = copy;
        await failures.attempt({ packId, store, key }, () => this.look(copy, pace, scrubbed, signal));
      }
    }
    failures.throwAny();
    return scrubbed;
  }

  /** What somebody asked for takes more than one run where there is much. */
  private readDue(days: number, asked: AskedScrub | undefined): Promise<NamedCopy[]> {
    return query<NamedCopy>(
      this.dataSource,
      `select l.location_id as "locationId", l.pack_id as "packId", l.tier, l.store, l.key, ${expectedColumns}
         from location l join pack p using (pack_id)
        where l.state = 'ready'
          and coalesce(l.verified_at, l.created_at) <= greatest(now() - $1::float8 * interval '1 day', $3::timestamptz)
        order by coalesce(l.verified_at, l.created_at), l.location_id limit $2`,
      [days, pageSize, asked?.notSince ?? null],
    );
  }

  private async look(copy: NamedCopy, pace: Pace, scrubbed: Scrubbed, signal: AbortSignal): Promise<void> {
    const damage = await this.damageOf(copy, pace, scrubbed, signal);
    scrubbed.copies += 1;
    if (damage === undefined) return this.record(copy, null);
    // A move may have retired it, and another run deleted it, meanwhile.
    const still = await query(
      this.dataSource,
      `select from location where location_id = $1 and key = $2 and state = 'ready'`,
      [copy.locationId, copy.key],
    );
    if (still.length === 0) return;
    scrubbed.damaged += 1;
    const { packId, store, key } = copy;
    if (await repairCopy(this.dataSource, this.stores, this.bytes, copy, signal)) {
      scrubbed.repaired += 1;
      this.logger.warn({ packId, store, key, damage }, 'a damaged copy was written anew from another');
      return;
    }
    await this.record(copy, damage);
    this.logger.error(
      { packId, store, key, damage },
      'a pack is damaged, and could not be written anew from another copy: restore a backup',
    );
  }

  /** @returns what is wrong with it. @throws BlobError when its store does not answer, which is no damage */
  private async damageOf(
    copy: NamedCopy,
    pace: Pace,
    scrubbed: Scrubbed,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const store = this.stores.named(copy.store);
    // What is archived is read when it is restored: until then, what the store says of it has to do.
    if (store.archive !== undefined) {
      const damage = await lookAtBlob({ store, key: copy.key }, copy);
      if (damage !== undefined) return damage.text;
      // Restored, not there yet, or written over by somebody: it is read as any other.
      if ((await store.archive.stateOf(copy.key)) !== 'readable') return undefined;
    }
    try {
      await verifyBlob({ store, key: copy.key }, copy, signal, async (bytes) => {
        scrubbed.bytes += bytes;
        await pace.take(bytes, signal);
      });
      return undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof StorageError) return error.message;
      if (error instanceof BlobError && error.code === 'blob-not-found') return 'it is missing';
      throw error;
    }
  }

  private async record({ locationId, key }: NamedCopy, damage: string | null): Promise<void> {
    await execute(
      this.dataSource,
      `update location set damage = $3, verified_at = now() where location_id = $1 and key = $2`,
      [locationId, key, damage],
    );
  }
}
