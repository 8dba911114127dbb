import { setTimeout as sleep } from 'node:timers/promises';
import type { Tensor, Tensors } from '../pipelines/tensor.js';
import { isSameAnswer, itemShape, joinItems, probeOf, splitItems } from './merge-batches.js';

export interface DeviceOptions {
  /** Batches under way at once; more only helps a device that one batch does not fill. */
  runsAtOnce: number;
  /** Items of one batch, of however many studies. */
  batchItemsMax: number;
  /**
   * What a batch of several studies may take, by what the network took before. Joining saves what each run costs beside its items; where
   * items take long it saves nothing, and studies that are done together leave the device waiting for the next together.
   */
  batchMillisecondsMax: number;
  /** How long a batch that is not full waits for studies that are being prepared. */
  batchWaitMilliseconds: number;
}

/** Bytes of a joined input: what several studies may add to the memory of one. */
const batchBytesMax = 64 * 1024 ** 2;

/** A network as a device runs it. */
export interface Runnable {
  infer(input: Tensor): Promise<Tensors>;
  /** Whether batches of several studies may become one; found out at the first chance. */
  merging: 'no' | 'untried' | 'yes';
  /** What an item took when it was run last; undefined before. */
  itemMilliseconds?: number;
  /** Studies at work with it, whether their next batch is here or still being prepared. */
  studies: number;
}

interface Waiting {
  network: Runnable;
  input: Tensor;
  urgency: number;
  since: number;
  resolve: (outputs: Tensors) => void;
  reject: (error: unknown) => void;
}

/**
 * What runs networks, one batch after the other, of all studies and models together: before each batch the most urgent that waits is
 * chosen, so an urgent study passes all that others have waiting. Batches of other studies for the same network go with it, up to the size.
 */
export class Device {
  private readonly waiting: Waiting[] = [];
  private running = 0;
  private timer: AbortController | undefined;
  /** Batches run, and those of them that held more than one study. */
  readonly counts = { batches: 0, joined: 0, items: 0 };

  constructor(private readonly options: DeviceOptions) {}

  /** @param urgency greater goes first; below 0 nobody waits for it, and what is not known of the network yet is found out beside it */
  run(network: Runnable, input: Tensor, urgency: number): Promise<Tensors> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ network, input, urgency, since: performance.now(), resolve, reject });
      this.timer?.abort();
      this.timer = undefined;
      // Those that are ready in this same turn go into one batch.
      setImmediate(() => this.next());
    });
  }

  private next(): void {
    while (this.running < this.options.runsAtOnce && this.waiting.length > 0) {
      const batch = this.choose();
      const wait = this.worthWaiting(batch);
      if (wait > 0) return this.lookAgain(wait);
      for (const one of batch) this.waiting.splice(this.waiting.indexOf(one), 1);
      this.running += 1;
      void this.work(batch).finally(() => {
        this.running -= 1;
        this.next();
      });
    }
  }

  /** The most urgent, the longest waiting first; then whatever fits beside it. */
  private choose(): Waiting[] {
    const order = [...this.waiting].sort((a, b) => b.urgency - a.urgency || a.since - b.since);
    const [first] = order;
    const { network, input } = first!;
    if (network.merging === 'no') return [first!];
    const shape = itemShape(input);
    const batch = [first!];
    const itemsMax = this.itemsMax(network);
    let items = input.dims[0]!;
    let bytes = input.data.byteLength;
    for (const other of order.slice(1)) {
      if (other.network !== network || itemShape(other.input) !== shape) continue;
      items += other.input.dims[0]!;
      bytes += other.input.data.byteLength;
      if (items > itemsMax || bytes > batchBytesMax) break;
      batch.push(other);
    }
    return batch;
  }

  /**
   * Items that one study should ask for at a time of a network that takes as long for two as for one twice. Where items take long and
   * are known to be kept apart they are few: the next are made ready and those before concluded meanwhile, and who is urgent waits for
   * less.
   */
  itemsAtOnce({ merging, itemMilliseconds }: Runnable): number {
    if (merging !== 'yes' || itemMilliseconds === undefined) return Infinity;
    return Math.max(1, Math.floor(this.options.batchMillisecondsMax / itemMilliseconds));
  }

  /** Of a batch with several studies in it. */
  private itemsMax({ itemMilliseconds }: Runnable): number {
    const { batchItemsMax, batchMillisecondsMax } = this.options;
    return Math.min(batchItemsMax, batchMillisecondsMax / (itemMilliseconds ?? 0));
  }

  /** @returns milliseconds; 0 for what is urgent, full, or has nobody to wait for. */
  private worthWaiting(batch: readonly Waiting[]): number {
    const [{ network, urgency, since }] = batch as [Waiting];
    const items = batch.reduce((sum, { input }) => sum + input.dims[0]!, 0);
    const isAlone = network.studies <= batch.length;
    if (network.merging === 'no' || urgency > 1 || isAlone || items >= this.itemsMax(network)) return 0;
    return Math.max(0, since + this.options.batchWaitMilliseconds - performance.now());
  }

  private lookAgain(milliseconds: number): void {
    if (this.timer) return;
    this.timer = new AbortController();
    sleep(milliseconds, undefined, { signal: this.timer.signal }).then(
      () => {
        this.timer = undefined;
        this.next();
      },
      () => undefined,
    );
  }

  private async work(batch: readonly Waiting[]): Promise<void> {
    const [{ network, input, urgency }] = batch as [Waiting];
    try {
      if ((batch.length > 1 || urgency < 0) && network.merging === 'untried')
        network.merging = await findOut(network, input);
      if (batch.length > 1 && network.merging === 'yes') return await this.workTogether(network, batch);
    } catch {
      // Which of them it was is found out one by one.
    }
    for (const { input: own, resolve, reject } of batch) {
      this.count(own.dims[0]!, 1);
      await timed(network, own).then(resolve, reject);
    }
  }

  private async workTogether(network: Runnable, batch: readonly Waiting[]): Promise<void> {
    const joined = joinItems(batch.map(({ input }) => input));
    const parts = splitItems(
      await timed(network, joined),
      batch.map(({ input }) => input.dims[0]!),
    );
    if (!parts) {
      network.merging = 'no';
      throw new Error('The network does not give one answer an item');
    }
    this.count(joined.dims[0]!, batch.length);
    batch.forEach(({ resolve }, index) => resolve(parts[index]!));
  }

  private count(items: number, studies: number): void {
    this.counts.batches += 1;
    this.counts.items += items;
    if (studies > 1) this.counts.joined += 1;
  }
}

async function timed(network: Runnable, input: Tensor): Promise<Tensors> {
  const items = input.dims[0]!;
  const started = performance.now();
  const answer = await network.infer(input);
  network.itemMilliseconds = (performance.now() - started) / items;
  return answer;
}

async function findOut(network: Runnable, input: Tensor): Promise<Runnable['merging']> {
  const { alone, together } = probeOf(input);
  const own = await network.infer(alone);
  const [beside] = splitItems(await network.infer(together), [1, 1]) ?? [];
  return beside !== undefined && isSameAnswer(own, beside) ? 'yes' : 'no';
}
