import type { TensorDescription } from '../models/manifest.js';
import type { Tensor, Tensors } from '../pipelines/tensor.js';

/** A trial is to cost moments: one item of a picture, not of a large volume. */
const trialElementsMax = 4_000_000;
/** Of the largest value the CPU gave; providers round differently, and in half precision. */
const shareOfLargest = 0.02;
/** Of a label map: where two labels are as likely, either is right. */
const unlikeLabelsMax = 0.01;

/**
 * A made-up input of one item; the same each time.
 *
 * @returns undefined where model.json leaves a size open that is not the batch's, or the input is large.
 */
export function trialInput({ shape, layout, dtype }: TensorDescription): Tensor | undefined {
  const dims = shape.map((size, axis) =>
    typeof size === 'number' ? size : (layout?.[axis] ?? (axis === 0 ? 'N' : '')) === 'N' ? 1 : 0,
  );
  const length = dims.reduce((product, size) => product * size, 1);
  if (length === 0 || length > trialElementsMax) return undefined;
  // Waves of several lengths: not symmetric, not constant, within what normalised inputs are.
  const wave = (at: number) => Math.sin(at * 0.37) + 0.5 * Math.sin(at * 0.0113 + 1);
  if (dtype === 'uint8') return { data: Uint8Array.from({ length }, (_, at) => 128 + 80 * wave(at)), dims };
  return { data: Float32Array.from({ length }, (_, at) => wave(at)), dims };
}

/** @returns in what `answer` differs from `reference` more than rounding does; undefined where it does not. */
export function whyUnlike(answer: Tensors, reference: Tensors): string | undefined {
  for (const [name, { data, dims }] of Object.entries(reference)) {
    const other = answer[name];
    if (!other || other.dims.join() !== dims.join())
      return `output "${name}" is [${other?.dims.join(', ') ?? ''}], not [${dims.join(', ')}]`;
    const why = data instanceof Float32Array ? unlikeNumbers(other.data, data) : unlikeLabels(other.data, data);
    if (why !== undefined) return `output "${name}": ${why}`;
  }
  return undefined;
}

function unlikeNumbers(answer: Tensor['data'], reference: Float32Array): string | undefined {
  const largest = reference.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const [at, value] of reference.entries()) {
    const difference = Math.abs(answer[at]! - value);
    // Not >: what is no number fits nothing.
    if (!(difference <= shareOfLargest * largest + 1e-4)) return `${answer[at]} where ${value} was expected`;
  }
  return undefined;
}

function unlikeLabels(answer: Tensor['data'], reference: Tensor['data']): string | undefined {
  let unlike = 0;
  for (const [at, value] of reference.entries()) unlike += Number(answer[at] !== value);
  return unlike > unlikeLabelsMax * reference.length ? `${unlike} of ${reference.length} values differ` : undefined;
}
