import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { builtModels } from '../../../../scripts/models/built-models.js';
import { loadModels } from './load-models.js';

const models = path.resolve(import.meta.dirname, '../../../../models');

describe('the networks that are shipped', () => {
  it.each(Object.keys(builtModels))('%s/model.onnx is what its program writes, byte for byte', (folder) => {
    const committed = readFileSync(path.join(models, folder, 'model.onnx'));
    expect(Buffer.compare(committed, builtModels[folder]!())).toBe(0);
    expect(committed.length).toBeLessThan(64 * 1024);
  });

  it('load, and each has a README that tells how it was verified', async () => {
    const loaded = await loadModels(models);
    expect(loaded.map((model) => `${model.id}/${model.version}`).sort()).toEqual(
      [...Object.keys(builtModels), 'pathology/he-nuclei-unet-cc0/1.0.0'].sort(),
    );
    for (const model of loaded) {
      expect(readFileSync(path.join(model.directory, 'README.md'), 'utf8')).toMatch(/## Verified/);
      expect(model.manifest.intendedUse).toMatch(/not a medical device/);
    }
  });
});
