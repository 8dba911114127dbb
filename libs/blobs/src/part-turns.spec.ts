import { describe, expect, it } from '@jest/globals';
import { PartTurns } from './part-turns.js';

describe('the turns of parts', () => {
  const never = new AbortController().signal;

  /** Asks for bytes. @returns whether they are held, as of the microtasks so far */
  async function ask(turns: PartTurns, bytes: number, signal = never) {
    const asked = { isHeld: false, failure: undefined as unknown };
    void turns.begin(bytes, signal).then(
      () => (asked.isHeld = true),
      (error: unknown) => (asked.failure = error),
    );
    await settled();
    return asked;
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('lets as many bytes be held as there may be, and the next when some are given back, in order', async () => {
    const turns = new PartTurns(10);
    const first = await ask(turns, 6);
    const second = await ask(turns, 4);
    const third = await ask(turns, 4);
    const fourth = await ask(turns, 1);
    expect([first, second, third, fourth].map(({ isHeld }) => isHeld)).toEqual([true, true, false, false]);
    turns.end(4);
    await settled();
    expect([third, fourth].map(({ isHeld }) => isHeld)).toEqual([true, false]);
    turns.end(6);
    await settled();
    expect(fourth.isHeld).toBe(true);
  });

  it('gives a part that is larger than all may be its turn alone', async () => {
    const turns = new PartTurns(10);
    await ask(turns, 1);
    const large = await ask(turns, 50);
    const behind = await ask(turns, 1);
    expect([large.isHeld, behind.isHeld]).toEqual([false, false]);
    turns.end(1);
    await settled();
    expect([large.isHeld, behind.isHeld]).toEqual([true, false]);
    turns.end(50);
    await settled();
    expect(behind.isHeld).toBe(true);
  });

  it('lets those behind go on when one who waits is given up', async () => {
    const turns = new PartTurns(10);
    await ask(turns, 6);
    const controller = new AbortController();
    const givenUp = await ask(turns, 6, controller.signal);
    const behind = await ask(turns, 4);
    expect(behind.isHeld).toBe(false);
    controller.abort(new Error('enough'));
    await settled();
    expect(givenUp).toMatchObject({ isHeld: false, failure: { message: 'enough' } });
    expect(behind.isHeld).toBe(true);
    // Aborting after the turn has come changes nothing.
    await expect(turns.begin(1, controller.signal)).rejects.toThrow('enough');
    turns.end(10);
    expect((await ask(turns, 10)).isHeld).toBe(true);
  });
});
