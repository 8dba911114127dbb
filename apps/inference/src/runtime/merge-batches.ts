import type { ModelManifest } from '../models/manifest.js';
import type { Tensor, Tensors } from '../pipelines/tensor.js';

/**
 * Whether batches of several studies may be put into one: model.json leaves the first axis of the input and of every output free,
 * by the same word. Whether the network then keeps them apart is another matter: see {@link probeOf}.
 */
export function hasFreeBatch({ inputs: [input], outputs }: ModelManifest): boolean {
  const [size] = input.shape;
  const isBatchFirst = (layout: string | undefined) => layout === undefined || layout.startsWith('N');
  return (
    typeof size === 'string' &&
    isBatchFirst(input.layout) &&
    outputs.every(({ shape, layout }) => shape[0] === size && isBatchFirst(layout))
  );
}

/** Tensors with equal keys differ at most in how many items they hold. */
export function itemShape({ data, dims }: Tensor): string {
  return `${data.constructor.name} ${dims.slice(1).join('x')}`;
}

/** Along the first axis, in order. */
export function joinItems(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (tensors.length === 1) return first!;
  const items = tensors.reduce((sum, { dims }) => sum + dims[0]!, 0);
  const length = tensors.reduce((sum, { data }) => sum + data.length, 0);
  const data = sameKind(first!.data, length);
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.data, at);
    at += tensor.data.length;
  }
  return { data, dims: [items, ...first!.dims.slice(1)] };
}

/**
 * Takes an answer apart again. Copies: who keeps one part does not keep all.
 *
 * @param counts items of each part, in order
 * @returns undefined where an output has not as many items as were asked.
 */
export function splitItems(outputs: Tensors, counts: readonly number[]): Tensors[] | undefined {
  const items = counts.reduce((sum, count) => sum + count, 0);
  if (Object.values(outputs).some(({ dims }) => dims[0] !== items)) return undefined;
  let from = 0;
  return counts.map((count) => {
    const start = from;
    from += count;
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { data, dims }]) => {
        const size = data.length / items;
        return [name, { data: data.slice(start * size, from * size), dims: [count, ...dims.slice(1)] }];
      }),
    );
  });
}

/**
 * To find out whether a network looks at one item alone: the first item by itself, and together with a very different one. A network
 * that scales by the whole batch (as dynamic quantisation does) answers differently.
 */
export function probeOf(tensor: Tensor): { alone: Tensor; together: Tensor } {
  const dims = [1, ...tensor.dims.slice(1)];
  const data = tensor.data.slice(0, tensor.data.length / tensor.dims[0]!);
  const other = data instanceof Uint8Array ? data.map((value) => 255 - value) : data.map((value) => 3 - 8 * value);
  const alone = { data, dims };
  return { alone, together: joinItems([alone, { data: other, dims }]) };
}

/** Whether two answers are one but for the rounding of sums taken in another order. */
export function isSameAnswer(a: Tensors, b: Tensors): boolean {
  return Object.entries(a).every(([name, { data }]) => {
    const other = b[name]?.data;
    if (other?.length !== data.length) return false;
    let largest = 1;
    for (const value of data) largest = Math.max(largest, Math.abs(value));
    const allowed = data instanceof Float32Array ? 1e-5 * largest : 0;
    for (const [at, value] of data.entries()) if (!(Math.abs(value - other[at]!) <= allowed)) return false;
    return true;
  });
}

function sameKind(data: Tensor['data'], length: number): Tensor['data'] {
  if (data instanceof Uint8Array) return new Uint8Array(length);
  return data instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
}
