import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { BlobStores, type BlobWriter, type StoredBlob } from '#libs/blobs';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, query, type Transaction, transaction } from '#libs/database';
import { LOGGER, type Logger } from '#libs/telemetry';
import { ArchiveError } from '../archive-error.js';
import { KeptStudies } from './kept-studies.js';
import { failureReason, warningReason } from './failure-reason.js';
import { GroupedIndex } from './grouped-index.js';
import { findKnown, type KnownInstance, lockStudies } from './index-instances.js';
import { indexNewPack } from './index-new-packs.js';
import { completeReplaced, moveReplaced } from '../deletion/replace-instances.js';
import { isWorthAnotherTry } from '../retried.js';
import { isFailure, metadataBytes, receivePart, type ReceivedInstance, tellDigests } from './receive-part.js';
import { RoomForStudies } from './room-for-studies.js';
import type {
  FailedInstance,
  IncomingPart,
  Origin,
  StoredInstance,
  StoreOptions,
  StoreOutcome,
} from './store-outcome.js';

// As often as any transaction of the archive that lost against another.
const triesMax = 4;

const askedForBytesMin = 8 * 1024 ** 2;

/**
 * A request beyond this becomes several packs, each stored and durable before the next begins: memory, transactions and
 * the objects of the colder tiers stay of a bounded size however much is sent.
 */
export interface PackLimits {
  instancesMax: number;
  bytesMax: number;
  /** Metadata waits in memory for the transaction. */
  metadataBytesMax: number;
}

const defaultPackLimits: PackLimits = {
  instancesMax: 1_000,
  bytesMax: 4 * 1024 ** 3,
  metadataBytesMax: 32 * 1024 ** 2,
};

/**
 * Takes instances in. What came in one request becomes one pack; the order is never relaxed: bytes durable, then one
 * transaction with everything they need, then the answer. What was not answered is wholly stored or wholly absent.
 */
@Injectable()
export class StoreInstances {
  private readonly grouped: GroupedIndex;
  private readonly room: RoomForStudies;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly stores: BlobStores,
    private readonly dataSource: DataSource,
  ) {
    this.grouped = new GroupedIndex(dataSource);
    this.room = new RoomForStudies(config, stores, dataSource);
  }

  /**
   * @returns what became of each part; when it says stored, it is on disk
   * @throws what `parts` throws, BlobError, ArchiveError 'archive-unavailable'. Then nothing was stored, but for the full
   * packs of a request that is larger than one; sent again, they are found to be here
   */
  async store(
    parts: AsyncIterable<IncomingPart>,
    options: StoreOptions,
    packLimits: PackLimits = defaultPackLimits,
  ): Promise<StoreOutcome> {
    const request: Request = {
      parts: parts[Symbol.asyncIterator](),
      options,
      packLimits,
      seen: new Map(),
      kept: this.keptStudies(),
    };
    const outcome: StoreOutcome = { stored: [], failed: [] };
    try {
      for (let isLast = false; !isLast;) {
        const pack = await this.storePack(request);
        outcome.stored.push(...pack.stored);
        outcome.failed.push(...pack.failed);
        isLast = pack.isLast;
      }
    } finally {
      await request.parts.return?.();
    }
    return outcome;
  }

  private async storePack(request: Request): Promise<StoreOutcome & { isLast: boolean }> {
    await this.room.require();
    const pack = await this.stores.hot.write();
    let reception: Reception;
    try {
      reception = await this.receive(request, pack);
      // Little costs less to write than to ask for: that all of it is here already is then found out with its rows. But
      // nothing is written for an index that may be gone.
      const isLittle = pack.bytes < askedForBytesMin && reception.received.length > 0;
      if (!isLittle || !this.grouped.hasJustAnswered) {
        await tellDigests(reception.received, pack);
        const settled = this.settle(reception.received, await this.findKnown(reception.received));
        if (settled.fresh.length + settled.replacing.length === 0) {
          await pack.abort();
          return { ...merge(reception, settled), isLast: reception.isLast };
        }
      }
    } catch (error) {
      await pack.abort();
      throw error;
    }
    const blob = await pack.commit();
    this.room.took(blob.bytes);
    await tellDigests(reception.received, pack);
    for (const { sopInstanceUid, part, datasetSha256 } of reception.received) {
      request.seen.set(sopInstanceUid, { part, datasetSha256 });
    }
    const outcome = await this.index(blob, reception, request.options.origin);
    return { ...outcome, isLast: reception.isLast };
  }

  private async receive({ parts, options, packLimits, seen, kept }: Request, pack: BlobWriter): Promise<Reception> {
    const reception: Reception = { received: [], repeated: [], failed: [], isLast: false };
    let waitingBytes = 0;
    for (;;) {
      const isFull = reception.received.length >= packLimits.instancesMax || pack.bytes >= packLimits.bytesMax;
      if (isFull || waitingBytes >= packLimits.metadataBytesMax) return reception;
      const next = await parts.next();
      if (next.done === true) return { ...reception, isLast: true };
      const result = await receivePart(
        next.value,
        pack,
        this.config.limits.stowPartBytesMax,
        this.logger,
        kept?.coercion(),
      );
      if (isFailure(result)) {
        reception.failed.push(result);
        continue;
      }
      const first = seen.get(result.sopInstanceUid);
      // Digests are asked for where they count: it costs the other thread's answer.
      if (first !== undefined) await tellDigests([...reception.received, result], pack);
      const failure = wrongStudy(result, options) ?? contradicts(result, first);
      if (failure === undefined && first === undefined) {
        seen.set(result.sopInstanceUid, result);
        reception.received.push(result);
        kept?.add(result);
        waitingBytes += metadataBytes(result);
        continue;
      }
      await pack.truncate(result.offset);
      if (failure !== undefined) reception.failed.push(failure);
      else reception.repeated.push(toStored(result, true));
    }
  }

  private keptStudies(): KeptStudies | undefined {
    return this.config.coercion === 'study' ? new KeptStudies(this.dataSource) : undefined;
  }

  /** Before anything is made durable: what is all here already needs no pack. */
  private async findKnown(received: ReceivedInstance[]): Promise<KnownInstance[]> {
    try {
      return await findKnown(this.dataSource.manager, uidsOf(received));
    } catch (cause) {
      throw new ArchiveError('archive-unavailable', 'The index cannot be read; nothing was stored', { cause });
    }
  }

  private async index(blob: StoredBlob, reception: Reception, origin: Origin): Promise<StoreOutcome> {
    const { received } = reception;
    const packId = randomUUID();
    const pack = { packId, bytes: blob.bytes, sha256: blob.sha256, store: this.stores.hot.name, key: blob.key };
    // Nearly everything is new, and then this is all there is to do.
    if (origin === 'sender') {
      const outcome = await this.grouped.add({ pack, instances: received });
      if (outcome.kind === 'indexed') return merge(reception, allFresh(received, outcome.contradicting));
      if (outcome.kind === 'unclear') {
        this.logger.error({ err: outcome.error, packId }, 'a pack could not be indexed');
        return this.afterUnclearCommit(packId, blob.key, reception, outcome.error);
      }
    }
    for (let attempt = 1; ; attempt += 1) {
      try {
        const settled = await transaction(this.dataSource, async (tx) => {
          await lockStudies(tx, studiesOf(received));
          const sorted = this.settle(received, await findKnown(tx, uidsOf(received)));
          if (origin === 'isocenter') await refuseForDeleted(tx, sorted);
          const { fresh, replacing } = sorted;
          if (fresh.length + replacing.length > 0) {
            const replaced = replacing.length > 0 ? await moveReplaced(tx, replacing, this.config.graceHours) : [];
            sorted.contradicting = await indexNewPack(
              tx,
              { pack, instances: [...fresh, ...replacing] },
              origin,
              uidsOf(replacing),
            );
            await completeReplaced(tx, replaced);
          }
          return sorted;
        });
        // Another request stored all of it while this one wrote its bytes.
        if (settled.fresh.length + settled.replacing.length === 0) await this.discard(blob.key);
        return merge(reception, settled);
      } catch (error) {
        if (isWorthAnotherTry(error) && attempt < triesMax) continue;
        this.logger.error({ err: error, packId }, 'a pack could not be indexed');
        return this.afterUnclearCommit(packId, blob.key, reception, error);
      }
    }
  }

  /**
   * The connection may have broken with COMMIT on its way: the rows tell, once the studies' locks say that the lost
   * transaction is over. While they cannot be asked, nothing is acknowledged, and the blob stays for the garbage
   * collector, because the commit may still arrive.
   */
  private async afterUnclearCommit(
    packId: string,
    key: string,
    reception: Reception,
    cause: unknown,
  ): Promise<StoreOutcome> {
    const { received } = reception;
    let isIndexed: boolean;
    let known: KnownInstance[];
    try {
      [isIndexed, known] = await transaction(this.dataSource, async (tx) => {
        await lockStudies(tx, studiesOf(received));
        const rows = await query(tx, 'select 1 from pack where pack_id = $1', [packId]);
        return [rows.length > 0, await findKnown(tx, uidsOf(received))];
      });
    } catch {
      const text = 'The index gives no answer, and whether the request was stored is not known; send it again';
      throw new ArchiveError('archive-unavailable', text, { cause });
    }
    if (isIndexed) return merge(reception, this.settle(received, known));
    await this.discard(key);
    throw new ArchiveError('archive-unavailable', 'The index could not be written; nothing was stored', { cause });
  }

  /**
   * Sorts out what is here already: identical content is success. Under a UID with other content the first one stays, or
   * goes where the policy is to replace it; never for an instance of another study, which is a mistake of the sender.
   */
  private settle(received: ReceivedInstance[], known: KnownInstance[]): Settled {
    const byUid = new Map(known.map((row) => [row.sop_instance_uid, row]));
    const settled: Settled = { fresh: [], replacing: [], duplicates: [], conflicts: [], contradicting: new Set() };
    for (const instance of received) {
      const row = byUid.get(instance.sopInstanceUid);
      if (row === undefined) settled.fresh.push(instance);
      else if (isSame(instance, row)) settled.duplicates.push(toStored(instance, true));
      else if (row.study_instance_uid !== instance.studyInstanceUid) {
        const text = `is stored already in another study, ${row.study_instance_uid}, where it is kept`;
        settled.conflicts.push(toFailed(instance, failureReason.duplicateSopInstance, text));
      } else if (this.config.conflictPolicy === 'replace') settled.replacing.push(instance);
      else {
        const text = 'is stored already with other content, which is kept';
        settled.conflicts.push(toFailed(instance, failureReason.duplicateSopInstance, text));
      }
    }
    return settled;
  }

  /** A blob no row speaks of. Should it not go away now, the garbage collector sees to it. */
  private async discard(key: string): Promise<void> {
    await this.stores.hot.delete(key).catch((error: unknown) => {
      this.logger.warn({ err: error, key }, 'a blob without rows could not be deleted');
    });
  }
}

interface Request {
  parts: AsyncIterator<IncomingPart>;
  options: StoreOptions;
  packLimits: PackLimits;
  /** By SOP Instance UID: the first of each in this request. */
  seen: Map<string, Seen>;
  /** Where the policy is to coerce. */
  kept: KeptStudies | undefined;
}

type Seen = Pick<ReceivedInstance, 'part' | 'datasetSha256'>;

const uidsOf = (received: ReceivedInstance[]) => received.map((instance) => instance.sopInstanceUid);
const studiesOf = (received: ReceivedInstance[]) => received.map((instance) => instance.studyInstanceUid);

/** What a pack's worth of a request brought, before the index was asked. */
interface Reception {
  /** In the pack, each SOP Instance UID once. */
  received: ReceivedInstance[];
  /** The same instance again in the same request. */
  repeated: StoredInstance[];
  failed: FailedInstance[];
  /** The request has no more parts. */
  isLast: boolean;
}

interface Settled {
  fresh: ReceivedInstance[];
  /** New versions of what is here. */
  replacing: ReceivedInstance[];
  duplicates: StoredInstance[];
  conflicts: FailedInstance[];
  /** SOP Instance UIDs of fresh ones that say something else of their study than its first instance did. */
  contradicting: ReadonlySet<string>;
}

const allFresh = (fresh: ReceivedInstance[], contradicting: ReadonlySet<string>): Settled => ({
  fresh,
  replacing: [],
  duplicates: [],
  conflicts: [],
  contradicting,
});

function merge({ repeated, failed }: Reception, settled: Settled): StoreOutcome {
  const { fresh, replacing, duplicates, conflicts, contradicting } = settled;
  return {
    stored: [
      ...fresh.map((instance) => ({
        ...toStored(instance, false),
        ...(contradicting.has(instance.sopInstanceUid) && { warning: warningReason.dataSetDoesNotMatch }),
        ...(instance.warning !== undefined && { warning: instance.warning }),
      })),
      ...replacing.map((instance) => ({ ...toStored(instance, false), warning: warningReason.replacesVersion })),
      ...duplicates,
      ...repeated,
    ],
    failed: [...failed, ...conflicts],
  };
}

function wrongStudy(instance: ReceivedInstance, { studyInstanceUid }: StoreOptions): FailedInstance | undefined {
  if (studyInstanceUid === undefined || instance.studyInstanceUid === studyInstanceUid) return undefined;
  return toFailed(
    instance,
    failureReason.dataSetDoesNotMatch,
    `belongs to study ${instance.studyInstanceUid}, not to the one it was sent to`,
  );
}

/** The same instance twice in one request is one; two that only share their UID are a mistake of the sender. */
function contradicts(instance: ReceivedInstance, first: Seen | undefined): FailedInstance | undefined {
  if (first === undefined || first.datasetSha256.equals(instance.datasetSha256)) return undefined;
  const text = `has the SOP Instance UID of part ${first.part}, and other content`;
  return toFailed(instance, failureReason.duplicateSopInstance, text);
}

/** An analysis may end after its study was deleted: what it found must not bring a study back that holds nothing else. */
async function refuseForDeleted(tx: Transaction, settled: Settled): Promise<void> {
  const rows = await query<{ study_instance_uid: string }>(
    tx,
    `select d.study_instance_uid from deletion d
      where d.study_instance_uid = any($1) and d.takes_study and d.cause = 'deleted' and d.state <> 'restored'
        and not exists (select from study st where st.study_instance_uid = d.study_instance_uid)`,
    [studiesOf(settled.fresh)],
  );
  const deleted = new Set(rows.map((row) => row.study_instance_uid));
  const isRefused = (instance: ReceivedInstance) => deleted.has(instance.studyInstanceUid);
  settled.conflicts.push(
    ...settled.fresh
      .filter(isRefused)
      .map((instance) =>
        toFailed(instance, failureReason.processingFailure, 'is a result on a study that was deleted'),
      ),
  );
  settled.fresh = settled.fresh.filter((instance) => !isRefused(instance));
}

/** The same dataset as was sent before; or, of one that was coerced, the same object as is stored. */
function isSame(instance: ReceivedInstance, row: KnownInstance): boolean {
  return (
    (row.dataset_sha256.equals(instance.datasetSha256) || row.sha256.equals(instance.sha256)) &&
    row.study_instance_uid === instance.studyInstanceUid &&
    row.series_instance_uid === instance.seriesInstanceUid
  );
}

function toStored(instance: ReceivedInstance, isDuplicate: boolean): StoredInstance {
  const { studyInstanceUid, seriesInstanceUid, sopClassUid, sopInstanceUid } = instance;
  return { studyInstanceUid, seriesInstanceUid, sopClassUid, sopInstanceUid, isDuplicate };
}

function toFailed(instance: ReceivedInstance, reason: number, text: string): FailedInstance {
  const { part, sopClassUid, sopInstanceUid } = instance;
  return { part, sopClassUid, sopInstanceUid, reason, text: `Part ${part}: ${sopInstanceUid} ${text}` };
}
