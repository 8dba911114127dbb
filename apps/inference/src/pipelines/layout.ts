import type { TensorDescription } from '../models/manifest.js';
import type { Tensor } from './tensor.js';

const usual: Record<number, string> = { 1: 'N', 2: 'NC', 3: 'NCT', 4: 'NCHW', 5: 'NCDHW' };

/** The letters of a tensor's axes: as model.json says, or what is usual for their number. */
export function layoutOf({ layout, shape }: Pick<TensorDescription, 'layout' | 'shape'>): string {
  return layout ?? usual[shape.length] ?? '';
}

/**
 * A tensor with its axes in another order. An axis that only one layout has is one of size 1: it comes or goes.
 *
 * @throws RangeError when an axis that would go has another size.
 */
export function toLayout({ data, dims }: Tensor, from: string, to: string): Tensor {
  if (from === to) return { data, dims };
  const size = (letter: string) => (from.includes(letter) ? dims[from.indexOf(letter)]! : 1);
  for (const letter of from)
    if (!to.includes(letter) && size(letter) !== 1)
      throw new RangeError(`The layout ${to} has no place for ${size(letter)} along ${letter}.`);
  const strides = new Map<string, number>();
  let stride = 1;
  for (const letter of [...from].reverse()) {
    strides.set(letter, stride);
    stride *= size(letter);
  }
  const letters = [...to];
  const newDims = letters.map(size);
  const kept = [...from].filter((letter) => to.includes(letter) && size(letter) > 1);
  const isSameOrder = kept.join('') === letters.filter((letter) => kept.includes(letter)).join('');
  if (isSameOrder) return { data, dims: newDims };

  const moved = data.slice();
  const steps = letters.map((letter) => strides.get(letter) ?? 0);
  const index = newDims.map(() => 0);
  let source = 0;
  for (let at = 0; at < moved.length; at++) {
    moved[at] = data[source]!;
    for (let axis = letters.length - 1; axis >= 0; axis--) {
      source += steps[axis]!;
      if (++index[axis]! < newDims[axis]!) break;
      source -= steps[axis]! * newDims[axis]!;
      index[axis] = 0;
    }
  }
  return { data: moved, dims: newDims };
}
