import type { Transaction } from '#libs/database';
import type { JobQueue } from '#libs/jobs';
import type { RegisteredModel } from './resolve-models.js';

/** A network that was opened stays open for longer than this; asking again before is in vain. */
const againMilliseconds = 5 * 60_000;

/** Has workers open the networks of models that a study will be given once it is complete. */
export class WarmModels {
  /** When each was last asked for, by digest. */
  private readonly asked = new Map<string, number>();

  constructor(private readonly jobs: JobQueue) {}

  async ask(tx: Transaction, models: Iterable<RegisteredModel>): Promise<void> {
    const now = performance.now();
    for (const { modelId, version, sha256 } of models) {
      if (now - (this.asked.get(sha256) ?? -Infinity) < againMilliseconds) continue;
      this.asked.set(sha256, now);
      await this.jobs.send(tx, 'warm-up-model', { modelId, version, sha256 });
    }
  }
}
