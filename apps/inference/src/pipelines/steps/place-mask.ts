import type { PictureTransform, Place } from '../batch.js';
import type { PostprocessingStep } from '../../models/manifest.js';
import { ModelError } from '../../models/model-error.js';
import type { PictureMasks } from '../masks/mask.js';
import type { InputFacts, Reducer, StepContext } from '../reducer.js';
import { tensorNamed } from '../tensor.js';
import { voxels } from '../volumes/grid.js';

type MaskStep = Extract<PostprocessingStep, { step: 'mask' }>;

/** A mask the network gave of a picture, of slices or of a whole volume, put where it was taken from. */
export function placeMaskStep(step: MaskStep, { facts, layouts }: StepContext): Reducer {
  const layout = layouts.get(step.of) ?? '';
  const sizeOf = (dims: readonly number[], letter: string) =>
    layout.includes(letter) ? dims[layout.indexOf(letter)]! : 1;
  switch (facts.kind) {
    case 'volume': {
      let data: Uint8Array | undefined;
      return {
        take: (tensors) => {
          const tensor = tensorNamed(tensors, step.of);
          if (data !== undefined || tensor.data.length !== voxels(facts.grid))
            throw new ModelError(
              'invalid-output',
              `"${step.of}" is [${tensor.dims.join(', ')}], the volume ${facts.grid.dims.join(' x ')}: the mask must be as large as the volume; windows are put together by merge-windows.`,
            );
          data = toLabels(tensor.data, step.of);
        },
        finish: (values) => values.set(step.gives, { kind: 'volume', grid: facts.grid, data: data! }),
      };
    }
    case 'stack': {
      const [, rows, columns] = facts.source.dims;
      const data = new Uint8Array(voxels(facts.source));
      return {
        take: (tensors, { places }) => {
          const tensor = tensorNamed(tensors, step.of);
          const [height, width] = [sizeOf(tensor.dims, 'H'), sizeOf(tensor.dims, 'W')];
          places.forEach((place, item) => {
            const { frame, transform } = pictureOf(place);
            const from = tensor.data.subarray(item * height * width, (item + 1) * height * width);
            const to = data.subarray(frame * rows * columns, (frame + 1) * rows * columns);
            putBack(toLabels(from, step.of), height, width, transform, to, rows, columns);
          });
        },
        finish: (values) => values.set(step.gives, { kind: 'volume', grid: facts.source, data }),
      };
    }
    case 'image': {
      const pictures: PictureMasks['pictures'] = [];
      return {
        take: (tensors, { places }) => {
          const tensor = tensorNamed(tensors, step.of);
          const [height, width] = [sizeOf(tensor.dims, 'H'), sizeOf(tensor.dims, 'W')];
          places.forEach((place, item) => {
            const { frame, transform } = pictureOf(place);
            const { rows, columns, spacingMm } = facts.pictures[frame]!;
            const data = new Uint8Array(rows * columns);
            const from = tensor.data.subarray(item * height * width, (item + 1) * height * width);
            putBack(toLabels(from, step.of), height, width, transform, data, rows, columns);
            pictures.push({ frame, rows, columns, spacingMm, data });
          });
        },
        finish: (values) => values.set(step.gives, { kind: 'pictures', pictures }),
      };
    }
    default:
      throw wrongInput('mask', facts);
  }
}

export function pictureOf(place: Place): { frame: number; transform: PictureTransform } {
  if (place.kind !== 'picture')
    throw new Error(`A ${place.kind} is no picture; the manifest's names were not checked.`);
  return place;
}

/** The network's pixel nearest to each pixel of the picture; what was cut off gets nothing. */
function putBack(
  from: Uint8Array,
  height: number,
  width: number,
  { row: down, column: across }: PictureTransform,
  to: Uint8Array,
  rows: number,
  columns: number,
): void {
  const nearest = Int32Array.from({ length: columns }, (_, column) =>
    Math.round((column - across.offset) / across.scale),
  );
  for (let row = 0; row < rows; row++) {
    const source = Math.round((row - down.offset) / down.scale);
    if (source < 0 || source >= height) continue;
    for (let column = 0; column < columns; column++) {
      const at = nearest[column]!;
      if (at >= 0 && at < width) to[row * columns + column] = from[source * width + at]!;
    }
  }
}

/** @throws ModelError 'invalid-output' for a value no mask has. */
export function toLabels(data: Float32Array | Uint8Array | Int32Array, name: string): Uint8Array {
  if (data instanceof Uint8Array) return data;
  const wrong = data.find((value) => !(value >= 0 && value <= 255 && Number.isInteger(value)));
  if (wrong !== undefined)
    throw new ModelError(
      'invalid-output',
      `"${name}" has ${wrong} for a pixel; a mask has whole numbers from 0 to 255.`,
    );
  return Uint8Array.from(data);
}

export function wrongInput(step: string, facts: InputFacts): Error {
  return new Error(`The step ${step} does not work on a ${facts.kind}; the manifest's names were not checked.`);
}
