import { Inject, Injectable } from '@nestjs/common';
import { BlobError, type BlobStore, BlobStores } from '#libs/blobs';
import { DataSource, transaction } from '#libs/database';
import { LOGGER, type Logger } from '#libs/telemetry';
import { StorageError } from '../storage-error.js';
import { lookAtBlob } from '../upkeep/look-at-blob.js';
import { orphanHoursMin } from '../upkeep/is-overdue.js';
import type { Tier } from './tiers.js';
import { addCopy, hashAsOne, keepCopy, type PackWithCopies, readPack, type ReadyCopy, warmerThan } from './copies.js';
import { copyBlob, verifyBlob, verifyCopy } from './copy-blob.js';
import type { CopyProgress } from './write-copy.js';

/**
 * moved: the tier has a verified copy, and warmer ones are retired. already-there: nothing was left to do.
 * superseded: another runner was faster, and the copy of this one is deleted.
 */
export type MoveOutcome = 'moved' | 'already-there' | 'superseded';

// A copy no row names is taken for an orphan after orphanHoursMin. One that took this long gets no row any more.
const copyMillisecondsMax = (orphanHoursMin * 3_600_000) / 2;

/**
 * Moves a pack: copy, read the copy back and compare, then one transaction that switches the readers over. Until then the
 * old copy is the one that is read; afterwards it stays for the grace. Cut off before the transaction, a move leaves a
 * blob that nobody reads and the garbage collector takes.
 */
@Injectable()
export class MovePack {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * @param options.target of the tier's stores; the first when absent
   * @param options.progress who keeps the copy's key from the garbage collector: it may then take as long as it takes
   * @throws StorageError, BlobError, the signal's reason; no copy is retired then
   */
  async move(
    packId: string,
    tier: Tier,
    signal: AbortSignal,
    options: { target?: BlobStore; progress?: CopyProgress } = {},
  ): Promise<MoveOutcome> {
    const target = options.target ?? this.stores.ofTier(tier);
    if (target === undefined) {
      throw new StorageError(
        'tier-without-store',
        `Pack ${packId} cannot go to ${tier}: no store is configured for it`,
      );
    }
    const pack = await readPack(this.dataSource, packId);
    if (pack === undefined) throw new StorageError('pack-not-found', `There is no pack ${packId}`);
    // One of an archive class only where there is no other.
    const isArchive = ({ store }: ReadyCopy) => this.stores.named(store).archive !== undefined;
    const source = pack.copies.find((copy) => !isArchive(copy)) ?? pack.copies[0];
    if (source === undefined) throw new StorageError('pack-not-found', `Pack ${packId} has no copy to read`);
    const present = pack.copies.find((copy) => copy.tier === tier);
    return present === undefined
      ? this.copy(pack, source, { tier, store: target }, signal, options.progress)
      : this.keep(pack, present, signal);
  }

  private async copy(
    pack: PackWithCopies,
    source: ReadyCopy,
    { tier, store }: { tier: Tier; store: BlobStore },
    signal: AbortSignal,
    progress?: CopyProgress,
  ): Promise<MoveOutcome> {
    const begun = Date.now();
    const from = { store: this.stores.named(source.store), key: source.key };
    const key = await copyBlob(from, store, pack, signal, progress);
    let sha256: Buffer | undefined;
    try {
      sha256 = await verifyCopy({ store, key }, from, pack, signal);
      if (sha256 !== undefined) await store.archive?.archive(key, sha256);
      if (progress === undefined && Date.now() - begun > copyMillisecondsMax) {
        throw new StorageError('copy-too-slow', `Pack ${pack.packId} took too long to copy to ${store.name}`);
      }
    } catch (error) {
      await this.discard(store, key);
      if (error instanceof BlobError && error.code === 'blob-archived') {
        const cure = 'say that its class is an archive, or choose one that can be read at once, such as GLACIER_IR';
        throw new BlobError(error.code, `${store.name} cannot read back what it was given: ${cure}`, { cause: error });
      }
      throw error;
    }
    // Fails the transaction, its commit may still have arrived: the blob stays, and whoever asks the rows next decides.
    const isAdded = await transaction(this.dataSource, async (tx) => {
      const added = await addCopy(tx, pack.packId, source, { tier, store: store.name, key });
      if (added && sha256 !== undefined) await hashAsOne(tx, pack.packId, sha256);
      return added;
    });
    if (isAdded) return 'moved';
    await this.discard(store, key);
    return 'superseded';
  }

  /** The tier has a copy already: left by a call back to a warmer tier, or by an earlier run of this job. */
  private async keep(pack: PackWithCopies, present: ReadyCopy, signal: AbortSignal): Promise<MoveOutcome> {
    const warmer = warmerThan(present.tier);
    if (!pack.copies.some((copy) => warmer.includes(copy.tier))) return 'already-there';
    await this.verifyPresent(present, pack, signal);
    const retired = await transaction(this.dataSource, (tx) => keepCopy(tx, pack.packId, present));
    return retired > 0 ? 'moved' : 'superseded';
  }

  /** What is in an archive class was compared before it went there; restoring it to look again would cost days: what the store says of it has to do. */
  private async verifyPresent(present: ReadyCopy, pack: PackWithCopies, signal: AbortSignal): Promise<void> {
    const store = this.stores.named(present.store);
    if (store.archive === undefined) return verifyBlob({ store, key: present.key }, pack, signal);
    const damage = await lookAtBlob({ store, key: present.key }, pack);
    if (damage === undefined) return;
    throw new StorageError('copy-damaged', `${present.key} in ${present.store}: ${damage.text}`);
  }

  /** What cannot be deleted now is an orphan, which the garbage collector finds. */
  private async discard(store: BlobStore, key: string): Promise<void> {
    try {
      await store.delete(key);
    } catch (error) {
      this.logger.warn({ err: error, store: store.name, key }, 'a surplus copy is left to the garbage collector');
    }
  }
}
