import { describe, expect, it } from '@jest/globals';
import type { Tensor, Tensors } from '../pipelines/tensor.js';
import { Device, type DeviceOptions, type Runnable } from './device.js';

const usual: DeviceOptions = {
  runsAtOnce: 1,
  batchItemsMax: 4,
  batchMillisecondsMax: Infinity,
  batchWaitMilliseconds: 0,
};
const tensor = (...rows: number[][]): Tensor => ({
  data: Float32Array.from(rows.flat()),
  dims: [rows.length, rows[0]!.length],
});
const rowsOf = ({ y }: Tensors): number[][] => {
  const [rows, columns] = y!.dims as [number, number];
  return Array.from({ length: rows }, (_, row) => Array.from(y!.data.subarray(row * columns, (row + 1) * columns)));
};

/** Doubles its input, and remembers how many items it was asked for at a time. */
function doubling(change: Partial<Runnable> = {}): Runnable & { asked: number[] } {
  const asked: number[] = [];
  return {
    asked,
    merging: 'yes',
    studies: 1,
    infer: async ({ data, dims }) => {
      asked.push(dims[0]!);
      await new Promise((done) => setTimeout(done, 2));
      return { y: { data: Float32Array.from(data, (value) => 2 * value), dims } };
    },
    ...change,
  };
}

describe('Device', () => {
  it('puts what waits for a network into one batch, up to its size, and gives each study its own', async () => {
    const device = new Device(usual);
    const network = doubling();
    const answers = await Promise.all(
      [1, 2, 3, 4, 5, 6].map((value) => device.run(network, tensor([value, -value]), 0)),
    );
    expect(answers.map(rowsOf)).toEqual([1, 2, 3, 4, 5, 6].map((value) => [[2 * value, -2 * value]]));
    expect(network.asked).toEqual([4, 2]);
    expect(device.counts).toEqual({ batches: 2, joined: 2, items: 6 });
  });

  it('keeps inputs of another size, and other networks, apart', async () => {
    const device = new Device(usual);
    const [one, other] = [doubling(), doubling()];
    await Promise.all([
      device.run(one, tensor([1]), 0),
      device.run(one, tensor([1, 2]), 0),
      device.run(other, tensor([1]), 0),
    ]);
    expect([one.asked, other.asked]).toEqual([[1, 1], [1]]);
  });

  it('joins nothing of a network whose items take long', async () => {
    // What takes any time takes long.
    const device = new Device({ ...usual, batchMillisecondsMax: 0.001, batchWaitMilliseconds: 60_000 });
    const network = doubling({ studies: 1 });
    await device.run(network, tensor([0]), 0);
    network.studies = 9;
    const answers = await Promise.all([1, 2, 3].map((value) => device.run(network, tensor([value]), 0)));
    expect(answers.map(rowsOf)).toEqual([[[2]], [[4]], [[6]]]);
    expect(network.asked).toEqual([1, 1, 1, 1]);
  });

  it('takes an urgent study at the next batch, before a backlog of others', async () => {
    const device = new Device(usual);
    const order: string[] = [];
    const network = doubling({ merging: 'no' });
    const backlog = Array.from({ length: 20 }, (_, index) =>
      device.run(network, tensor([index]), 0).then(() => order.push(`backlog ${index}`)),
    );
    await backlog[0];
    const urgent = device.run(network, tensor([99]), 2).then(() => order.push('urgent'));
    await Promise.all([urgent, ...backlog]);
    // One batch was under way when it came.
    expect(order.indexOf('urgent')).toBeLessThanOrEqual(2);
    expect(order).toHaveLength(21);
  });

  it('runs a network alone that looks at the whole batch', async () => {
    const device = new Device(usual);
    const scaled: Runnable & { asked: number[] } = {
      ...doubling({ merging: 'untried' }),
      infer: async ({ data, dims }) => {
        scaled.asked.push(dims[0]!);
        const largest = Math.max(...[...data].map(Math.abs));
        return { y: { data: Float32Array.from(data, (value) => Math.round((value / largest) * 127) * largest), dims } };
      },
    };
    const answers = await Promise.all([3, 50].map((value) => device.run(scaled, tensor([value, 1]), 0)));
    expect(scaled.merging).toBe('no');
    expect(answers.map(rowsOf)).toEqual([[[381, 126]], [[6350, 150]]]);
    // What it was asked to find that out, then one by one.
    expect(scaled.asked).toEqual([1, 2, 1, 1]);
  });

  it('finds out once that a network keeps items apart', async () => {
    const device = new Device(usual);
    const network = doubling({ merging: 'untried' });
    const run = () => Promise.all([1, 2].map((value) => device.run(network, tensor([value]), 0)));
    await run();
    await run();
    expect([network.merging, network.asked]).toEqual(['yes', [1, 2, 2, 2]]);
  });

  it('finds it out beside a run that nobody waits for, and then asks for few items at once of a network that takes long', async () => {
    // What takes any time takes long.
    const device = new Device({ ...usual, batchMillisecondsMax: 0.001 });
    const network = doubling({ merging: 'untried' });
    expect(device.itemsAtOnce(network)).toBe(Infinity);
    await device.run(network, tensor([1]), -1);
    expect([network.merging, network.asked]).toEqual(['yes', [1, 2, 1]]);
    expect(device.itemsAtOnce(network)).toBe(1);
    expect(new Device(usual).itemsAtOnce(network)).toBe(Infinity);
    expect(device.itemsAtOnce({ ...network, merging: 'no' })).toBe(Infinity);
  });

  it('waits for a study that is being prepared, but not for long', async () => {
    const device = new Device({ ...usual, batchWaitMilliseconds: 40 });
    const network = doubling({ studies: 2 });
    const started = performance.now();
    await device.run(network, tensor([1]), 0);
    expect(performance.now() - started).toBeGreaterThan(35);
    // Both are here: nobody else is to come.
    await Promise.all([device.run(network, tensor([1]), 0), device.run(network, tensor([2]), 0)]);
    expect(network.asked).toEqual([1, 2]);
  });

  it('lets the study fail that is to blame, and no other', async () => {
    const device = new Device(usual);
    const network = doubling();
    const infer = network.infer.bind(network);
    network.infer = async (input) => {
      if (input.data.includes(13)) throw new Error('not this one');
      return infer(input);
    };
    const answers = await Promise.allSettled([1, 13, 2].map((value) => device.run(network, tensor([value]), 0)));
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});
