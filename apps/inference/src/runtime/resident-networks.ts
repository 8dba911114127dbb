import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Model } from '../models/model.js';
import { ModelError } from '../models/model-error.js';
import { readNetwork } from '../models/read-network.js';
import type { Runnable } from './device.js';
import { hasFreeBatch } from './merge-batches.js';
import { openSession, type Session, type SessionOptions } from './open-session.js';

/** A network that is open, and how much memory opening it took. */
export interface Resident extends Runnable {
  session: Session;
  bytes: number;
}

/**
 * The networks of this process. They stay open while their memory together keeps within the budget; beyond it those nobody uses go,
 * the one unused longest first. One alone that is larger than the budget is opened all the same.
 */
export class ResidentNetworks {
  /** In the order of their last use. Who waits for one to open uses it already. */
  private readonly entries = new Map<string, { opening: Promise<Resident>; resident?: Resident; users: number }>();

  /** @param bytesMax of all that are open; @param open for one */
  constructor(
    private readonly bytesMax: number,
    private readonly open: (model: Model, options: SessionOptions) => Promise<Resident> = openResident,
  ) {}

  /** Hands a network to `work` and keeps it open meanwhile. @throws ModelError; whatever `work` throws */
  async use<T>(model: Model, options: SessionOptions, work: (resident: Resident) => Promise<T>): Promise<T> {
    // Names and shapes are the manifest's: two models may share a network and not those.
    const key = `${model.sha256} ${model.networkSha256} ${options.executionProviders.join(',')} ${options.intraOpThreads}`;
    const entry = this.entries.get(key) ?? { opening: this.open(model, options), users: 0 };
    this.entries.delete(key);
    this.entries.set(key, entry);
    entry.users += 1;
    try {
      const resident = (entry.resident = await entry.opening);
      resident.studies += 1;
      try {
        await this.dropUnused();
        return await work(resident);
      } finally {
        resident.studies -= 1;
      }
    } catch (error) {
      // A failure to open is not kept: the file may be put right.
      if (!entry.resident && this.entries.get(key) === entry) this.entries.delete(key);
      throw error;
    } finally {
      entry.users -= 1;
      await this.dropUnused();
    }
  }

  get count(): number {
    return this.entries.size;
  }

  private async dropUnused(): Promise<void> {
    let bytes = 0;
    for (const { resident } of this.entries.values()) bytes += resident?.bytes ?? 0;
    const dropped: Resident[] = [];
    for (const [key, { resident, users }] of this.entries) {
      if (bytes <= this.bytesMax) break;
      if (!resident || users > 0) continue;
      this.entries.delete(key);
      bytes -= resident.bytes;
      dropped.push(resident);
    }
    for (const resident of dropped) await resident.session.release();
  }
}

/** Reads the bytes once: those whose digest was compared are those that are loaded. */
async function openResident(model: Model, options: SessionOptions): Promise<Resident> {
  const file = path.join(model.directory, 'model.onnx');
  const bytes = await readFile(file).catch((error: Error) => {
    throw new ModelError('invalid-model', `${file} cannot be read: ${error.message}`, { cause: error });
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== model.networkSha256) {
    throw new ModelError(
      'altered-model',
      `${file} has SHA-256 ${sha256}, but ${model.id} ${model.version} was registered with ${model.networkSha256}. Restore the file, or register it as a new version.`,
    );
  }
  readNetwork(bytes);
  const before = process.memoryUsage.rss();
  const session = await openSession(bytes, model.manifest, options);
  return {
    session,
    infer: (input) => session.infer(input),
    merging: hasFreeBatch(model.manifest) ? 'untried' : 'no',
    studies: 0,
    // Others may be allocating meanwhile; its weights it has in memory for certain.
    bytes: Math.max(bytes.length, process.memoryUsage.rss() - before),
  };
}
