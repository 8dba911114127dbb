import { describe, expect, it } from '@jest/globals';
import { inOrder } from './in-order.js';

async function* tasksOf<T>(...tasks: (() => Promise<T>)[]) {
  yield* tasks;
}

describe('inOrder', () => {
  it('gives results in order though they come in another, so many at once and no more', async () => {
    let running = 0;
    let most = 0;
    const release: (() => void)[] = [];
    const task = (value: number) => async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => release.push(resolve));
      running -= 1;
      return value;
    };
    const results: number[] = [];
    const done = (async () => {
      for await (const value of inOrder(tasksOf(task(1), task(2), task(3), task(4)), 2)) results.push(value);
    })();
    while (results.length < 4) {
      // The latest goes first.
      release.pop()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await done;
    expect(results).toEqual([1, 2, 3, 4]);
    expect(most).toBe(2);
  });

  it('fails with the task that failed, after those before it', async () => {
    const results: number[] = [];
    const failing = tasksOf(
      async () => 1,
      async () => Promise.reject(new Error('second')),
      async () => 3,
    );
    await expect(
      (async () => {
        for await (const value of inOrder(failing, 3)) results.push(value);
      })(),
    ).rejects.toThrow('second');
    expect(results).toEqual([1]);
  });
});
