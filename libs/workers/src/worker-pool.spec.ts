import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { WorkerPool, type WorkerPoolOptions } from './worker-pool.js';

/* eslint-disable @typescript-eslint/no-explicit-any */

const module = new URL('./test-worker.mjs', import.meta.url);
const built = new URL('../../../dist/libs/workers/src/index.js', import.meta.url);

/** Waits until `condition` holds; the deadline is only there so that a failure says so. */
async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Still not so after 20 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // Ended, and only waiting for an init process to take notice of it.
  return !(existsSync(`/proc/${pid}/stat`) && / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
}

describe('WorkerPool', () => {
  const pools: WorkerPool<any, any>[] = [];
  const makePool = (options: Partial<WorkerPoolOptions> = {}): WorkerPool<any, any> => {
    const pool = new WorkerPool<any, any>({
      module,
      size: 1,
      timeoutMilliseconds: 60_000,
      memoryBytesMax: 512 * 2 ** 20,
      name: 'test',
      ...options,
    });
    pools.push(pool);
    return pool;
  };

  beforeAll(() => {
    if (!existsSync(built)) throw new Error('These tests start compiled workers: npm run build first (npm test does).');
  });

  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close()));
  });

  it('answers, with typed arrays and Buffers on both ways', async () => {
    const pool = makePool();
    const answer = await pool.run({ what: 'double', values: new Int16Array([-2, 300]) });
    expect(answer.kind).toBe('Int16Array');
    expect(answer.values).toEqual(new Int16Array([-4, 600]));
    expect(Buffer.isBuffer((await pool.run({ what: 'double', values: Buffer.from([1, 2]) })).values)).toBe(true);
  });

  it('shares memory where it is told to: arrays of every kind and size come and go as they are', async () => {
    const pool = makePool({ sharesMemory: true });
    const bytes = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 255);
    const large = bytes(3_000_008);
    const values = {
      inMessage: bytes(100),
      inMemory: bytes(20_000),
      inTurn: Uint8Array.from({ length: 9 * 2 ** 20 + 1 }, (_, i) => i % 251),
      words: new Uint16Array(large.buffer, 2, 1_000_001),
      signed: new Int32Array(large.buffer, 8, 30_000),
      bytes: new Int8Array(large.buffer, 5, 40_000),
      clamped: new Uint8ClampedArray(large.buffer, 1, 16_384),
      halves: new Int16Array(large.buffer, 4, 8_192),
      floats: Float32Array.from({ length: 10_000 }, (_, i) => i / 3),
      doubles: Float64Array.from({ length: 10_000 }, (_, i) => i / 3),
      wide: [new BigInt64Array(3000).fill(-5n), new BigUint64Array(3000).fill(5n), new Uint32Array(9000).fill(7)],
      view: new DataView(large.buffer, 3, 50_000),
      buffer: Buffer.from(large.subarray(0, 70_000)),
      map: new Map([['a', { nested: bytes(30_000) }]]),
      empty: new Uint8Array(0),
      none: undefined,
    };
    for (let time = 0; time < 2; time++) {
      const { what: _, ...answer } = await pool.run({ what: 'echo', ...values });
      expect(Object.keys(answer)).toEqual(Object.keys(values));
      expect(answer.buffer.equals(values.buffer)).toBe(true);
      expect(Buffer.isBuffer(answer.buffer) && !Buffer.isBuffer(answer.inMemory)).toBe(true);
      expect(Buffer.from(answer.inTurn).equals(values.inTurn)).toBe(true);
      expect(new Uint8Array(answer.view.buffer)).toEqual(large.subarray(3, 50_003));
      const { buffer: _b, inTurn: _t, view: _v, ...rest } = values;
      expect(answer).toMatchObject(rest);
      // Each in memory of its own, where nothing of another lies beside it.
      expect(answer.words.buffer.byteLength).toBe(answer.words.byteLength);
    }
    expect(await pool.run({ what: 'double', values: new Int16Array([-2, 300]) })).toMatchObject({ kind: 'Int16Array' });
  });

  it('gives back what is spent once it is on its way, and not before', async () => {
    const pool = makePool({ sharesMemory: true });
    const frame = Uint8Array.from({ length: 2 ** 20 }, (_, i) => i % 251);
    const spent = await pool.run({ what: 'spend', frame, few: Uint8Array.of(1, 2, 3) });
    expect(Buffer.from(spent.frame).equals(frame)).toBe(true);
    expect(await pool.run({ what: 'what-is-left' })).toMatchObject({ frame: 0, few: 3 });
  });

  it('never reads what a process left in shared memory when it ended, nor what it says is there and is not', async () => {
    const pool = makePool({ sharesMemory: true });
    const frame = new Uint8Array(2 ** 21).fill(1);
    const { pid } = await pool.run({ what: 'served' });
    const ended = pool.run({ what: 'never', frame });
    process.kill(pid, 'SIGKILL');
    await expect(ended).rejects.toMatchObject({ code: 'crashed' });
    const other = new Uint8Array(2 ** 21).fill(2);
    expect(Buffer.from((await pool.run({ what: 'echo', other })).other).equals(other)).toBe(true);
    // The fifth request, were it not for the lie.
    await expect(pool.run({ what: 'lie', id: 4, bytes: 2 ** 45 })).rejects.toMatchObject({
      code: 'crashed',
      message: expect.stringMatching(/answer cannot be read: There are no 35184372088832 bytes/),
    });
    expect((await pool.run({ what: 'echo', other })).other.length).toBe(other.length);
    expect(() => makePool({ sharesMemory: true, requestsPerProcess: 2 })).toThrow('one request at a time');
  });

  it('gives one process several requests where it may, and says how many were with one whose process ended', async () => {
    const pool = makePool({ requestsPerProcess: 2 });
    const { pid } = await pool.run({ what: 'served' });
    const never = pool.run({ what: 'never' });
    expect((await pool.run({ what: 'served' })).pid).toBe(pid);
    const other = pool.run({ what: 'never' });
    // The process is full: this waits, and what is urgent does not.
    const waiting = pool.run({ what: 'served' });
    expect((await pool.run({ what: 'served' }, { urgency: 2 })).pid).toBe(pid);
    process.kill(pid, 'SIGKILL');
    await expect(never).rejects.toMatchObject({ code: 'crashed', companions: 1 });
    await expect(other).rejects.toMatchObject({ code: 'crashed', companions: 1 });
    expect((await waiting).pid).not.toBe(pid);
  });

  it('gives a request a process to itself when it is asked to', async () => {
    const pool = makePool({ requestsPerProcess: 3 });
    const alone = pool.run({ what: 'exit' }, { alone: true });
    const others = [1, 2].map(() => pool.run({ what: 'served' }));
    await expect(alone).rejects.toMatchObject({ code: 'crashed', companions: 0 });
    expect((await Promise.all(others)).map(({ served }) => served)).toEqual([1, 2]);
  });

  it('takes the most urgent of those that wait', async () => {
    const pool = makePool();
    const order: string[] = [];
    const run = (name: string, urgency: number) =>
      pool.run({ what: 'served' }, { urgency }).then(() => order.push(name));
    await Promise.all([run('first', 0), run('low', 0), run('low too', 0), run('high', 2), run('medium', 1)]);
    expect(order).toEqual(['first', 'high', 'medium', 'low', 'low too']);
  });

  it('reuses one process for one request after the other', async () => {
    const pool = makePool({ size: 2 });
    const first = await pool.run({ what: 'served' });
    const second = await pool.run({ what: 'served' });
    expect(second).toEqual({ served: 2, pid: first.pid });
  });

  it('runs as many requests at once as it has workers, and queues the rest', async () => {
    const pool = makePool({ size: 2 });
    const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => pool.run({ what: 'double', values: [i] })));
    expect(answers.map((answer) => answer.values[0])).toEqual([0, 2, 4, 6, 8, 10]);
    expect(new Set(answers.map((answer) => answer.pid)).size).toBe(2);
  });

  it('fails a request with what its handler threw, and keeps the process', async () => {
    const pool = makePool();
    const { pid } = await pool.run({ what: 'served' });
    await expect(pool.run({ what: 'throw' })).rejects.toMatchObject({
      name: 'WorkerError',
      code: 'failed',
      message: 'the frame is damaged',
      remoteCode: 'malformed',
    });
    expect((await pool.run({ what: 'served' })).pid).toBe(pid);
  });

  it('fails a request or an answer that cannot be copied, and goes on', async () => {
    const pool = makePool();
    await expect(pool.run({ what: 'double', values: [], extra: () => 1 })).rejects.toMatchObject({ code: 'failed' });
    await expect(pool.run({ what: 'uncloneable' })).rejects.toMatchObject({ code: 'failed' });
    expect((await pool.run({ what: 'double', values: [4] })).values).toEqual([8]);
  });

  it.each(['exit', 'abort'])(
    'fails only the request in which the process ended (%s), and replaces it',
    async (what) => {
      const pool = makePool();
      const [crash, next] = await Promise.allSettled([pool.run({ what }), pool.run({ what: 'double', values: [1] })]);
      expect(crash).toMatchObject({ status: 'rejected', reason: { code: 'crashed' } });
      expect(next).toMatchObject({ status: 'fulfilled', value: { values: [2] } });
    },
  );

  it.each(['loop', 'never'])('kills a process that does not answer in time (%s), and replaces it', async (what) => {
    const pool = makePool({ timeoutMilliseconds: 300 });
    await expect(pool.run({ what })).rejects.toMatchObject({ code: 'timed-out' });
    expect(await pool.run({ what: 'served' })).toMatchObject({ served: 1 });
  });

  it.each(['swell-native', 'swell-heap'])('kills a process that goes over its memory limit (%s)', async (what) => {
    const pool = makePool({ memoryBytesMax: 192 * 2 ** 20 });
    await expect(pool.run({ what })).rejects.toMatchObject({ code: 'out-of-memory' });
    expect(await pool.run({ what: 'served' })).toMatchObject({ served: 1 });
  });

  it('blames an overrun on the request that made it, never on the next one', async () => {
    const pool = makePool({ memoryBytesMax: 192 * 2 ** 20 });
    for (let i = 0; i < 3; i++) {
      const [swollen, next] = await Promise.allSettled([
        pool.run({ what: 'swell-and-answer', bytes: 200 * 2 ** 20 }),
        pool.run({ what: 'double', values: [1] }),
      ]);
      expect(swollen).toMatchObject({ status: 'rejected', reason: { code: 'out-of-memory' } });
      expect(next).toMatchObject({ status: 'fulfilled' });
    }
  });

  it('refuses a request when its queue is full, one over the limit', async () => {
    const pool = makePool({ queueLengthMax: 1 });
    const running = pool.run({ what: 'double', values: [1] });
    const queued = pool.run({ what: 'double', values: [2] });
    await expect(pool.run({ what: 'double', values: [3] })).rejects.toMatchObject({ code: 'overloaded' });
    expect((await running).values).toEqual([2]);
    expect((await queued).values).toEqual([4]);
  });

  it('replaces a process after the number of requests it was told', async () => {
    const pool = makePool({ jobsPerProcessMax: 2 });
    const served = [];
    for (let i = 0; i < 5; i++) served.push((await pool.run({ what: 'served' })).served);
    expect(served).toEqual([1, 2, 1, 2, 1]);
  });

  it('gives its processes no secret of the environment and no flag of ours', async () => {
    process.env['ISOCENTER_TEST_SECRET'] = 'hush';
    try {
      const { environment, execArgv } = await makePool({ environment: { EXTRA: 'yes' } }).run({ what: 'environment' });
      expect(environment).toMatchObject({ EXTRA: 'yes' });
      expect(environment).not.toHaveProperty('ISOCENTER_TEST_SECRET');
      expect(environment).not.toHaveProperty('HOME');
      expect(execArgv).toEqual(['--max-old-space-size=512']);
    } finally {
      delete process.env['ISOCENTER_TEST_SECRET'];
    }
  });

  it('ends a worker that has had nothing to do for long, and starts another when one is needed', async () => {
    const pool = makePool({ size: 2, idleMillisecondsMax: 200 });
    const [one, other] = await Promise.all([pool.run({ what: 'served' }), pool.run({ what: 'served' })]);
    await until(() => !isAlive(one.pid) && !isAlive(other.pid), 'the idle workers have ended');
    const next = await pool.run({ what: 'served' });
    expect(next.served).toBe(1);
    expect([one.pid, other.pid]).not.toContain(next.pid);
  });

  it('closes: fails what runs, waits or comes later, and leaves no process behind', async () => {
    const pool = makePool();
    const { pid } = await pool.run({ what: 'served' });
    const running = pool.run({ what: 'never' });
    const queued = pool.run({ what: 'served' });
    const failures = Promise.allSettled([running, queued]);
    await pool.close();
    for (const failure of await failures)
      expect(failure).toMatchObject({ status: 'rejected', reason: { code: 'closed' } });
    await expect(pool.run({ what: 'served' })).rejects.toMatchObject({ code: 'closed' });
    expect(isAlive(pid)).toBe(false);
  });

  it('says what is wrong when the worker module cannot load, or is not there', async () => {
    expect(() => makePool({ module: new URL('./no-such-worker.js', import.meta.url) })).toThrow(/npm run build/);
    expect(() => makePool({ size: 0 })).toThrow(/size must be at least 1/);
    // This module is no worker: it ends at once, without a word.
    const pool = makePool({ module: new URL('../../../dist/libs/workers/src/worker-error.js', import.meta.url) });
    await expect(pool.run({})).rejects.toMatchObject({ code: 'crashed' });
  });

  describe('in a process of its own', () => {
    const start = (script: string) =>
      spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const makeIt = `
      import { WorkerPool } from ${JSON.stringify(fileURLToPath(built))};
      const pool = new WorkerPool({ module: new URL(${JSON.stringify(module.href)}), size: 1, timeoutMilliseconds: 60000,
        memoryBytesMax: 2 ** 29, name: 'test' });
      const { pid } = await pool.run({ what: 'served' });
      process.stdout.write(pid + '\\n');`;
    const pidFrom = async (parent: ReturnType<typeof start>): Promise<number> =>
      Number(String((await once(parent.stdout, 'data'))[0]));

    it('does not keep the parent alive with idle workers, and they end with it', async () => {
      const parent = start(makeIt);
      const exit = once(parent, 'exit');
      const pid = await pidFrom(parent);
      expect(await exit).toEqual([0, null]);
      await until(() => !isAlive(pid), 'the idle worker has ended');
    });

    it.each(['never', 'loop'])(
      'leaves no worker behind when the parent is killed in the middle of work (%s)',
      async (what) => {
        const parent = start(`${makeIt} await pool.run({ what: '${what}' });`);
        const pid = await pidFrom(parent);
        expect(isAlive(pid)).toBe(true);
        parent.kill('SIGKILL');
        await until(() => !isAlive(pid), 'the working worker has ended');
      },
    );
  });
});
