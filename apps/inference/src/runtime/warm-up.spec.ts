import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { loadModel } from '../models/load-models.js';
import { warmUpInput } from './warm-up.js';

const models = path.resolve(import.meta.dirname, '../../../../models');
const sizeOf = async (version: string) => warmUpInput((await loadModel(path.join(models, version))).manifest)?.dims;

describe('warmUpInput', () => {
  it('is as large as what the network will get', async () => {
    // Squares of 256 with 32 around, and a batch of one.
    expect(await sizeOf('pathology/he-nuclei-unet-cc0/1.0.0')).toEqual([1, 3, 320, 320]);
  });

  it('is not made up where the slide or the recording says the size', async () => {
    expect(await sizeOf('pathology/he-cellularity/1.1.0')).toBeUndefined();
    expect(await sizeOf('cardiology/ecg-rhythm/1.1.0')).toBeUndefined();
  });

  it('follows the last step that says a size, and knows none after one that hangs on the content', async () => {
    const { manifest } = await loadModel(path.join(models, 'pathology/he-nuclei-unet-cc0/1.0.0'));
    const volume = (...preprocessing: unknown[]) =>
      ({
        ...manifest,
        input: { kind: 'volume', preprocessing },
        inputs: [{ name: 'x', dtype: 'float32', shape: ['n', 1, 'd', 'h', 'w'] }],
      }) as unknown as typeof manifest;
    const crop = { step: 'crop-or-pad', sizes: [16, 24, 32], value: 0 };
    expect(warmUpInput(volume({ step: 'modality-values' }, crop))?.dims).toEqual([1, 1, 16, 24, 32]);
    expect(warmUpInput(volume(crop, { step: 'crop-to-content', above: 0, margin: 0 }))).toBeUndefined();
    // A run of this would take long.
    expect(warmUpInput(volume({ ...crop, sizes: [256, 256, 256] }))).toBeUndefined();
  });
});
