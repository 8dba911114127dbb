import { type FileHandle, open } from 'node:fs/promises';
import { closeSync, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { PostprocessingStep } from '../../models/manifest.js';
import { ModelError } from '../../models/model-error.js';
import type { SlideMask } from '../masks/mask.js';
import type { Reducer, StepContext } from '../reducer.js';
import { tensorNamed } from '../tensor.js';
import { toLabels, wrongInput } from './place-mask.js';

type StitchStep = Extract<PostprocessingStep, { step: 'stitch-tiles' }>;

/** Masks of tiles as one mask of the slide: each goes to its place in a file as it comes, and nothing of it stays in memory. */
export function stitchTilesStep(step: StitchStep, { facts, layouts, directory }: StepContext): Reducer {
  if (facts.kind !== 'tiles') throw wrongInput(step.step, facts);
  const { tileRows, tileColumns, matrixRows, matrixColumns, spacingMicrometres } = facts;
  const layout = layouts.get(step.of) ?? '';
  const [across, down] = [Math.ceil(matrixColumns / tileColumns), Math.ceil(matrixRows / tileRows)];
  const mask: SlideMask = {
    kind: 'slide',
    file: path.join(directory, `mask-${step.gives}`),
    tileRows,
    tileColumns,
    across,
    down,
    matrixRows,
    matrixColumns,
    spacingMicrometres,
    filled: new Uint8Array(across * down),
    counts: new Float64Array(256),
  };
  const file = openSync(mask.file, 'w+', 0o600);
  const tile = Buffer.alloc(tileRows * tileColumns);
  return {
    take: (tensors, { places }) => {
      const tensor = tensorNamed(tensors, step.of);
      const [height, width] = ['H', 'W'].map((letter) => tensor.dims[layout.indexOf(letter)]!) as [number, number];
      const labels = toLabels(tensor.data, step.of);
      places.forEach((place, item) => {
        if (place.kind !== 'tile') throw wrongInput(step.step, facts);
        const { overlap } = place;
        if (height !== tileRows + 2 * overlap || width !== tileColumns + 2 * overlap)
          throw new ModelError(
            'invalid-output',
            `"${step.of}" is ${width} x ${height} for a tile of ${tileColumns + 2 * overlap} x ${tileRows + 2 * overlap}: masks of tiles must be as large as the tiles.`,
          );
        if (place.row % tileRows !== 0 || place.column % tileColumns !== 0)
          throw new ModelError(
            'invalid-input',
            'The tiles of the slide do not lie in a grid; the model can be given squares cut out of it (input.cut).',
          );
        tile.fill(0);
        for (let row = 0; row < place.insideRows; row++) {
          const from = (item * height + row + overlap) * width + overlap;
          tile.set(labels.subarray(from, from + place.insideColumns), row * tileColumns);
        }
        const inside = place.insideRows * place.insideColumns;
        const filled = countValues(tile, mask.counts);
        // What lies outside the slide was not looked at.
        mask.counts[0]! -= tile.length - inside;
        if (filled === 0) return;
        const index = (place.row / tileRows) * across + place.column / tileColumns;
        mask.filled[index] = 1;
        writeSync(file, tile, 0, tile.length, index * tile.length);
      });
    },
    finish: (values) => {
      closeSync(file);
      values.set(step.gives, mask);
    },
  };
}

const counted = new Uint32Array(256);

/** Adds to `counts` how often each value is there. @returns how many are not 0 */
function countValues(values: Uint8Array, counts: Float64Array): number {
  counted.fill(0);
  for (let at = 0; at < values.length; at++) counted[values[at]!]!++;
  for (let value = 0; value < counted.length; value++) counts[value]! += counted[value]!;
  return values.length - counted[0]!;
}

/** Reads tiles of a slide's mask; one that nothing was written to is zeros. */
export async function openMask(mask: SlideMask): Promise<{
  tile(index: number): Promise<Uint8Array>;
  close(): Promise<void>;
}> {
  const file: FileHandle = await open(mask.file, 'r');
  const bytes = Buffer.alloc(mask.tileRows * mask.tileColumns);
  return {
    tile: async (index) => {
      bytes.fill(0);
      if (mask.filled[index]) await file.read(bytes, 0, bytes.length, index * bytes.length);
      return bytes;
    },
    close: () => file.close(),
  };
}
