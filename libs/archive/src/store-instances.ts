import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { BlobStores, type BlobWriter, type StoredBlob } from '#libs/blobs';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, query, transaction } from '#libs/database';
import { JobQueue } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';
import { ArchiveError } from './archive-error.js';
import { failureReason } from './failure-reason.js';
import { findKnown, indexInstances, type KnownInstance, lockStudies } from './index-instances.js';
import { isFailure, receivePart, type ReceivedInstance } from './receive-part.js';
import type {
  FailedInstance,
  IncomingPart,
  Origin,
  StoredInstance,
  StoreOptions,
  StoreOutcome,
} from './store-outcome.js';

const triesMax = 4;

/**
 * Takes instances in. What came in one request becomes one pack; the order is never relaxed: bytes durable, then one
 * transaction with everything they need, then the answer. What was not answered is wholly stored or wholly absent.
 */
@Injectable()
export class StoreInstances {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly stores: BlobStores,
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
  ) {}

  /**
   * @returns what became of each part; when it says stored, it is on disk
   * @throws what `parts` throws (then nothing was stored), BlobError, ArchiveError 'archive-unavailable'
   */
  async store(parts: AsyncIterable<IncomingPart>, options: StoreOptions): Promise<StoreOutcome> {
    const pack = await this.stores.hot.write();
    let reception: Reception;
    try {
      reception = await this.receive(parts, pack, options);
      const uids = reception.received.map((instance) => instance.sopInstanceUid);
      const settled = settle(reception.received, await findKnown(this.dataSource.manager, uids));
      if (settled.fresh.length === 0) {
        await pack.abort();
        return merge(reception, settled);
      }
    } catch (error) {
      await pack.abort();
      throw error;
    }
    return this.index(await pack.commit(), reception, options.origin);
  }

  private async receive(
    parts: AsyncIterable<IncomingPart>,
    pack: BlobWriter,
    options: StoreOptions,
  ): Promise<Reception> {
    const reception: Reception = { received: [], repeated: [], failed: [] };
    const byUid = new Map<string, ReceivedInstance>();
    for await (const part of parts) {
      const result = await receivePart(part, pack, this.config.limits.stowPartBytesMax);
      if (isFailure(result)) {
        reception.failed.push(result);
        continue;
      }
      const first = byUid.get(result.sopInstanceUid);
      const failure = wrongStudy(result, options) ?? contradicts(result, first);
      if (failure === undefined && first === undefined) {
        byUid.set(result.sopInstanceUid, result);
        reception.received.push(result);
        continue;
      }
      await pack.truncate(result.offset);
      if (failure !== undefined) reception.failed.push(failure);
      else reception.repeated.push(toStored(result, true));
    }
    return reception;
  }

  private async index(blob: StoredBlob, reception: Reception, origin: Origin): Promise<StoreOutcome> {
    const { received } = reception;
    const packId = randomUUID();
    const pack = { packId, bytes: blob.bytes, sha256: blob.sha256, store: this.stores.hot.name, key: blob.key };
    for (let attempt = 1; ; attempt += 1) {
      try {
        const settled = await transaction(this.dataSource, async (tx) => {
          await lockStudies(
            tx,
            received.map((instance) => instance.studyInstanceUid),
          );
          const known = await findKnown(
            tx,
            received.map((instance) => instance.sopInstanceUid),
          );
          const sorted = settle(received, known);
          if (sorted.fresh.length > 0) await indexInstances(tx, this.jobs, pack, sorted.fresh, origin);
          return sorted;
        });
        // Another request stored all of it while this one wrote its bytes.
        if (settled.fresh.length === 0) await this.stores.hot.delete(blob.key);
        return merge(reception, settled);
      } catch (error) {
        if (isWorthAnotherTry(error) && attempt < triesMax) continue;
        this.logger.error({ err: error, packId }, 'a pack could not be indexed');
        return this.afterUnclearCommit(packId, reception, error);
      }
    }
  }

  /**
   * The connection may have broken with COMMIT on its way: the rows tell. Are they not there, or cannot be asked for, then
   * nothing is acknowledged; the blob stays for the garbage collector, because the commit may still arrive.
   */
  private async afterUnclearCommit(packId: string, reception: Reception, cause: unknown): Promise<StoreOutcome> {
    const asked = query<{ n: number }>(this.dataSource, 'select count(*) as n from instance where pack_id = $1', [
      packId,
    ]);
    const [indexed] = await asked.catch(() => []);
    if (indexed === undefined || indexed.n === 0) {
      throw new ArchiveError(
        'archive-unavailable',
        'The index could not be written; nothing of this request was stored',
        { cause },
      );
    }
    const uids = reception.received.map((instance) => instance.sopInstanceUid);
    return merge(reception, settle(reception.received, await findKnown(this.dataSource.manager, uids)));
  }
}

/** What a request brought, before the index was asked. */
interface Reception {
  /** In the pack, each SOP Instance UID once. */
  received: ReceivedInstance[];
  /** The same instance again in the same request. */
  repeated: StoredInstance[];
  failed: FailedInstance[];
}

interface Settled {
  fresh: ReceivedInstance[];
  duplicates: StoredInstance[];
  conflicts: FailedInstance[];
}

function merge({ repeated, failed }: Reception, { fresh, duplicates, conflicts }: Settled): StoreOutcome {
  return {
    stored: [...fresh.map((instance) => toStored(instance, false)), ...duplicates, ...repeated],
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
function contradicts(instance: ReceivedInstance, first: ReceivedInstance | undefined): FailedInstance | undefined {
  if (first === undefined || first.datasetSha256 === instance.datasetSha256) return undefined;
  const text = `has the SOP Instance UID of part ${first.part}, and other content`;
  return toFailed(instance, failureReason.duplicateSopInstance, text);
}

/** Sorts out what is here already: identical content is success; under a UID with other content the first one stays. */
function settle(received: ReceivedInstance[], known: KnownInstance[]): Settled {
  const byUid = new Map(known.map((row) => [row.sop_instance_uid, row]));
  const settled: Settled = { fresh: [], duplicates: [], conflicts: [] };
  for (const instance of received) {
    const row = byUid.get(instance.sopInstanceUid);
    if (row === undefined) settled.fresh.push(instance);
    else if (isSame(instance, row)) settled.duplicates.push(toStored(instance, true));
    else {
      const text = 'is stored already with other content, which is kept';
      settled.conflicts.push(toFailed(instance, failureReason.duplicateSopInstance, text));
    }
  }
  return settled;
}

function isSame(instance: ReceivedInstance, row: KnownInstance): boolean {
  return (
    row.dataset_sha256.toString('hex') === instance.datasetSha256 &&
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

/** Another study's writer had the same SOP Instance UID first, two waited in a circle, or a statement met a change. */
function isWorthAnotherTry(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === '23505' || code === '40P01' || code === '40001';
}
