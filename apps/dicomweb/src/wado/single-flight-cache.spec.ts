import { describe, expect, it } from '@jest/globals';
import { SingleFlightCache } from './single-flight-cache.js';

function cacheOf(bytesMax: number) {
  const cache = new SingleFlightCache<string>(bytesMax, (value) => value.length);
  const computed: string[] = [];
  const get = (key: string, value = key) =>
    cache.get(key, async () => {
      computed.push(key);
      return value;
    });
  return { cache, computed, get };
}

describe('SingleFlightCache', () => {
  it('computes once for all who ask at the same time, and keeps the result', async () => {
    const { computed, get } = cacheOf(100);
    expect(await Promise.all([get('a'), get('a'), get('a')])).toEqual(['a', 'a', 'a']);
    expect(await get('a')).toBe('a');
    expect(computed).toEqual(['a']);
  });

  it('drops the least recently used when over its budget', async () => {
    const { computed, get } = cacheOf(6);
    await get('a', 'aa');
    await get('b', 'bb');
    await get('c', 'cc');
    await get('a');
    await get('d', 'dd');
    await get('a');
    await get('c');
    expect(computed).toEqual(['a', 'b', 'c', 'd']);
    await get('b', 'bb');
    expect(computed).toEqual(['a', 'b', 'c', 'd', 'b']);
  });

  it('keeps what just fits and not what is heavier than all of it', async () => {
    const { computed, get } = cacheOf(4);
    await get('fits', 'xxxx');
    await get('fits', 'xxxx');
    await get('heavy', 'xxxxx');
    await get('heavy', 'xxxxx');
    await get('fits', 'xxxx');
    expect(computed).toEqual(['fits', 'heavy', 'heavy']);
  });

  it('gives a failure to all who waited and tries again for the next', async () => {
    const { cache } = cacheOf(10);
    let calls = 0;
    const fail = async () => {
      calls += 1;
      throw new Error(`no ${calls}`);
    };
    const both = await Promise.allSettled([cache.get('a', fail), cache.get('a', fail)]);
    expect(both.map((one) => one.status === 'rejected' && String(one.reason))).toEqual(['Error: no 1', 'Error: no 1']);
    await expect(cache.get('a', fail)).rejects.toThrow('no 2');
    await expect(cache.get('a', async () => 'fine')).resolves.toBe('fine');
  });
});
