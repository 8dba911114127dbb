import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { SharedFile } from './shared-file.js';

describe('SharedFile', () => {
  it('is not to be had where the system has no such folder', () => {
    expect(SharedFile.create('/nowhere/at/all')).toBeUndefined();
  });

  it('gives back what was put, from a file without a name, and not what is not there', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'isocenter-shared-'));
    try {
      const file = SharedFile.create(folder)!;
      expect(readdirSync(folder)).toEqual([]);
      const [small, large] = [Buffer.from('small'), Buffer.alloc(12 * 2 ** 20, 7)];
      expect(await file.put([small, large])).toBe(true);
      const [first, second] = (await file.take([small.length, large.length])).map((array) => Buffer.from(array));
      expect(first).toEqual(small);
      expect(second!.equals(large)).toBe(true);
      await expect(file.take([small.length + large.length + 1])).rejects.toThrow('There are no');
      // What was large is given back to the system.
      await file.shrink();
      await expect(file.take([1])).rejects.toThrow('There are no 1 bytes');
      expect(await file.put([small])).toBe(true);
      expect(Buffer.from((await file.take([small.length]))[0]!)).toEqual(small);
      file.close();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('says when there is no room', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'isocenter-shared-'));
    const name = path.join(folder, 'full');
    writeFileSync(name, '');
    const descriptor = openSync(name, 'r');
    try {
      const file = SharedFile.inherited(descriptor);
      expect(await file.put([Buffer.alloc(10)])).toBe(false);
      expect(await file.put([Buffer.alloc(2 ** 21)])).toBe(false);
      expect(file.putSync([Buffer.alloc(10)])).toBe(false);
    } finally {
      closeSync(descriptor);
      rmSync(folder, { recursive: true });
    }
  });
});
