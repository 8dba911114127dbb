import { createHash, type Hash } from 'node:crypto';
import type { ObjectDigests } from './blob-store.js';

/** Hashes the objects of a blob as their bytes pass by. */
export class ObjectHashes {
  readonly digests: ObjectDigests[] = [];
  private whole: Hash | undefined;
  private dataset: Hash | undefined;

  begin(): void {
    this.whole = createHash('sha256');
    this.dataset = undefined;
  }

  beginDataset(): void {
    this.dataset = createHash('sha256');
  }

  update(bytes: Uint8Array): void {
    this.whole?.update(bytes);
    this.dataset?.update(bytes);
  }

  end(): void {
    const { whole, dataset } = this;
    if (whole === undefined || dataset === undefined) throw new Error('No object with a dataset has begun');
    this.digests.push({ sha256: whole.digest(), datasetSha256: dataset.digest() });
    this.whole = undefined;
    this.dataset = undefined;
  }
}
