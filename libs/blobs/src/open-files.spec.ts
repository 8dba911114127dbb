import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { OpenFiles } from './open-files.js';

describe('OpenFiles', () => {
  let folder: string;
  const files = new OpenFiles();

  beforeEach(async () => void (folder = await mkdtemp(path.join(tmpdir(), 'isocenter-files-'))));
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const read = async (file: string, offset: number, length: number) => {
    const target = Buffer.alloc(length);
    return (await files.read(file, offset, target)) ?? target.toString();
  };

  it('reads many files at once, more than it keeps open', async () => {
    const names = Array.from({ length: 200 }, (_, index) => path.join(folder, `${index}`));
    await Promise.all(names.map((name, index) => writeFile(name, `file ${index}`)));
    for (let round = 0; round < 2; round += 1) {
      const texts = await Promise.all(names.map((name, index) => read(name, 5, `${index}`.length)));
      expect(texts).toEqual(names.map((_, index) => `${index}`));
    }
  });

  it('says how large a file is that ends before, also one that was cut since', async () => {
    const file = path.join(folder, 'short');
    await writeFile(file, '0123456789');
    expect(await read(file, 2, 8)).toBe('23456789');
    expect(await read(file, 5, 10)).toBe(10);
    await truncate(file, 4);
    expect(await read(file, 2, 8)).toBe(4);
  });

  it('does not find what is not there, and finds it later', async () => {
    const file = path.join(folder, 'late');
    await expect(read(file, 0, 1)).rejects.toMatchObject({ code: 'ENOENT' });
    await writeFile(file, 'x');
    expect(await read(file, 0, 1)).toBe('x');
  });

  it('lets go of a file while it is read', async () => {
    const file = path.join(folder, 'deleted');
    await writeFile(file, 'here');
    const underWay = read(file, 0, 4);
    files.forget(file);
    expect(await underWay).toBe('here');
    await rm(file);
    await expect(read(file, 0, 4)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
