import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from './config.js';
import { readStores } from './stores.js';

const hot = { kind: 'filesystem', name: 'local', tier: 'hot', path: '/data' };
const bucket = { kind: 's3', name: 'bucket', tier: 'warm', bucket: 'imaging' };
const read = (...stores: object[]) => readStores(JSON.stringify(stores));

describe('stores', () => {
  it('is the data folder alone when nothing is configured', () => {
    const { stores } = loadConfig('suite', { ISOCENTER_DATA_DIR: '/d' });
    expect(stores).toEqual([{ kind: 'filesystem', name: 'local', tier: 'hot', readOnly: false, path: '/d/blobs' }]);
  });

  it('has a bucket as the warm tier, and one of its classes as the cold one', () => {
    const load = (storageClass: string) =>
      loadConfig('suite', { S3_BUCKET: 'b', S3_COLD_STORAGE_CLASS: storageClass }).stores;
    expect(load('DEEP_ARCHIVE')).toMatchObject([
      { tier: 'hot' },
      { name: 's3', tier: 'warm', bucket: 'b' },
      { name: 's3-cold', tier: 'cold', storageClass: 'DEEP_ARCHIVE', archive: { by: 'copy' } },
    ]);
    // Can be read at once.
    expect(load('GLACIER_IR')[2]).not.toHaveProperty('archive');
  });

  it('takes any number of stores a tier, from text or from a file', async () => {
    const stores = [hot, { ...hot, name: 'second', path: '/more', maxGb: 10 }, bucket, { ...bucket, name: 'other' }];
    expect(read(...stores).map(({ name, tier }) => [name, tier])).toEqual([
      ['local', 'hot'],
      ['second', 'hot'],
      ['bucket', 'warm'],
      ['other', 'warm'],
    ]);
    const folder = await mkdtemp(path.join(tmpdir(), 'isocenter-config-'));
    const file = path.join(folder, 'stores.json');
    await writeFile(file, JSON.stringify(stores));
    expect(loadConfig('suite', { ISOCENTER_STORES: `@${file}` }).stores).toEqual(read(...stores));
    await rm(folder, { recursive: true });
  });

  it.each([
    ['two of a name', [hot, { ...bucket, name: 'local' }], 'two stores are called local'],
    ['none for new studies', [{ ...hot, readOnly: true }, bucket], 'no store of the tier hot'],
    ['half of the credentials', [hot, { ...bucket, accessKeyId: 'k' }], 'secretAccessKey'],
    ['a tier that is none', [{ ...hot, tier: 'tepid' }], '[0.tier]'],
    ['a misspelt setting', [hot, { ...bucket, storageclass: 'X' }], 'storageclass'],
    ['a name for a path', [{ ...hot, name: '../x' }], '[0.name]'],
  ])('refuses %s, and says which', (_what, stores, message) => {
    expect(() => read(...stores)).toThrow(message);
    expect(() => loadConfig('suite', { ISOCENTER_STORES: JSON.stringify(stores) })).toThrow('ISOCENTER_STORES');
  });

  it('refuses what is no JSON', () => {
    expect(() => readStores('hot=/data')).toThrow('JSON');
    expect(() => readStores('@/no/such/file')).toThrow('ENOENT');
  });
});
