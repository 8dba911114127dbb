import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Config } from '#libs/config';
import type { Logger } from '#libs/telemetry';
import { PictureStore } from './picture-store.js';

let dataDir: string;
const complaints: unknown[] = [];
const logger = { warn: (...said: unknown[]) => complaints.push(said) } as unknown as Logger;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'isocenter-pictures-'));
});
afterEach(() => rm(path.join(dataDir, 'cache'), { recursive: true, force: true }));
afterAll(() => rm(dataDir, { recursive: true, force: true }));

function makeStore(pictureStoreBytesMax = 1_000_000, graceHours = 1): PictureStore {
  return new PictureStore({ dataDir, graceHours, limits: { pictureStoreBytesMax } } as Config, logger);
}
const files = async () => {
  const names = await readdir(path.join(dataDir, 'cache', 'pictures'), { recursive: true }).catch(() => []);
  return names
    .filter((name) => /[0-9a-f]{64}$/.test(name))
    .map((name) => path.join(dataDir, 'cache', 'pictures', name));
};

describe('PictureStore', () => {
  it('gives what it was given, in another process, too', async () => {
    await makeStore().keep('a', Buffer.from('a picture'));
    expect((await makeStore().find('a'))?.toString()).toBe('a picture');
    expect(await makeStore().find('b')).toBeUndefined();
    expect(complaints).toEqual([]);
  });

  it('believes no file that was cut short or changed, and makes room for a whole one', async () => {
    const store = makeStore();
    for (const damage of [
      (file: string) => truncate(file, 12),
      (file: string) => truncate(file, 0),
      async (file: string) => {
        const bytes = await readFile(file);
        bytes[10] = bytes[10]! ^ 1;
        await rm(file);
        await writeFile(file, bytes);
      },
    ]) {
      await store.keep('a', Buffer.from('a picture'));
      await damage((await files())[0]!);
      expect(await store.find('a')).toBeUndefined();
      await store.keep('a', Buffer.from('another'));
      expect((await store.find('a'))?.toString()).toBe('another');
      await rm((await files())[0]!);
    }
  });

  it('gives nothing older than deleted instances are kept, and removes it', async () => {
    const store = makeStore();
    await store.keep('a', Buffer.from('a picture'));
    const [file] = await files();
    const old = new Date(Date.now() - 2 * 3_600_000);
    await utimes(file!, old, old);
    expect(await store.find('a')).toBeUndefined();
    store.onModuleInit();
    await store.onModuleDestroy();
    expect(await files()).toEqual([]);
  });

  it('keeps no more than it may, the newest ones', async () => {
    const store = makeStore(100_000);
    for (let i = 0; i < 150; i++) await store.keep(`${i}`, Buffer.alloc(900, i));
    const kept = await files();
    expect(kept.length * 908).toBeLessThanOrEqual(100_000);
    expect(kept.length).toBeGreaterThan(60);
    expect(await store.find('149')).toBeDefined();
    // One that would fill it by itself is not kept at all.
    await store.keep('large', Buffer.alloc(50_000));
    expect(await store.find('large')).toBeUndefined();
  });

  it('is off where nothing may be kept', async () => {
    for (const store of [makeStore(0), makeStore(1000, 0)]) {
      await store.keep('a', Buffer.from('a'));
      expect(await store.find('a')).toBeUndefined();
    }
    expect(await files()).toEqual([]);
  });

  it('fails no picture where the disk takes none, and says so once', async () => {
    // What cannot be a folder takes files as little as a full disk does.
    await writeFile(path.join(dataDir, 'cache'), '');
    const store = makeStore();
    for (let i = 0; i < 3; i++) {
      await expect(store.keep('a', Buffer.from('a picture'))).resolves.toBeUndefined();
      expect(await store.find('a')).toBeUndefined();
    }
    expect(complaints.splice(0)).toHaveLength(1);
  });
});
