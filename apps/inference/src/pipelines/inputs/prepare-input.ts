import type { ModelManifest } from '../../models/manifest.js';
import type { FetchedInput } from '../../models/model.js';
import { prepareImages } from './prepare-images.js';
import { prepareStack } from './prepare-stack.js';
import { prepareTiles } from './prepare-tiles.js';
import { prepareVolume } from './prepare-volume.js';
import { prepareWaveform } from './prepare-waveform.js';
import type { Prepared } from './prepared.js';

/** What was fetched, as the network wants it. @param itemsMax of a batch, where model.json allows more */
export async function prepareInput(
  { input: described }: ModelManifest,
  task: FetchedInput,
  itemsMax = Infinity,
): Promise<Prepared> {
  const input = 'batch' in described ? { ...described, batch: Math.min(described.batch, itemsMax) } : described;
  switch (input.kind) {
    case 'image':
      return prepareImages(input, task);
    case 'stack':
      return prepareStack(input, task);
    case 'volume':
      return prepareVolume(input, task);
    case 'waveform':
      return prepareWaveform(input, task);
    case 'tiles':
      return prepareTiles(input, task);
  }
}
