import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { openAhead } from './open-ahead.js';

describe('openAhead', () => {
  const opener = (failing?: number) => {
    const opened: number[] = [];
    const bodies: Readable[] = [];
    const open = async (item: number) => {
      opened.push(item);
      if (item === failing) throw new Error(`no ${item}`);
      const body = Readable.from([Buffer.from([item])]);
      bodies.push(body);
      return { item, body };
    };
    return { opened, bodies, open };
  };

  it.each([0, 1, 2, 9])('gives them in order, opening %d ahead', async (ahead) => {
    const { opened, open } = opener();
    const given: number[] = [];
    for await (const { item } of openAhead([1, 2, 3, 4, 5], ahead, open)) {
      given.push(item);
      expect(opened).toHaveLength(Math.min(5, item + ahead));
    }
    expect(given).toEqual([1, 2, 3, 4, 5]);
  });

  it('fails when the turn of what failed comes, and closes what lies behind', async () => {
    const { bodies, open } = opener(2);
    const given: number[] = [];
    await expect(async () => {
      for await (const { item } of openAhead([1, 2, 3], 2, open)) given.push(item);
    }).rejects.toThrow('no 2');
    expect(given).toEqual([1]);
    await setImmediate();
    expect(bodies.map(({ destroyed }) => destroyed)).toEqual([false, true]);
  });

  it('closes what was opened for nothing when its reader goes away', async () => {
    const { bodies, open } = opener();
    for await (const { item } of openAhead([1, 2, 3, 4], 2, open)) if (item === 1) break;
    await setImmediate();
    expect(bodies.map(({ destroyed }) => destroyed)).toEqual([false, true, true]);
  });
});
