import type { PostprocessingStep } from '../../models/manifest.js';
import { ModelError } from '../../models/model-error.js';
import type { Reducer, StepContext } from '../reducer.js';
import { tensorNamed, type Tensor } from '../tensor.js';

type ScoreStep = Extract<PostprocessingStep, { step: 'scores' | 'top-label' | 'element' | 'embedding' }>;

/** Steps that read an output item by item: scores, a regression, a vector. */
export function scoreStep(step: ScoreStep, { labels }: StepContext): Reducer {
  if (step.step === 'top-label')
    return {
      finish: (values) => {
        const scored = labels.map(({ id, value }) => ({ value, score: values.number(`${step.of}.${id}`) }));
        const best = scored.reduce((a, b) => (b.score > a.score ? b : a));
        values.set(step.gives, best.value);
        values.set(`${step.gives}.score`, best.score);
      },
    };

  let merged: Float64Array | undefined;
  let items = 0;
  const over = step.step === 'embedding' ? 'mean' : step.over;
  const take = (tensors: Readonly<Record<string, Tensor>>) => {
    const { data, dims } = tensorNamed(tensors, step.of);
    const count = dims[0] ?? 1;
    const length = data.length / count;
    if (merged !== undefined && merged.length !== length)
      throw new ModelError('invalid-output', `"${step.of}" has ${length} values for an item and had ${merged.length}.`);
    merged ??= new Float64Array(length).fill(over === 'max' ? -Infinity : 0);
    for (let item = 0; item < count; item++) {
      for (let at = 0; at < length; at++) {
        const value = data[item * length + at]!;
        merged[at] = over === 'max' ? Math.max(merged[at]!, value) : merged[at]! + value;
      }
    }
    items += count;
  };
  const result = (index: number): number => {
    const value = merged?.[index];
    if (merged !== undefined && value === undefined)
      throw new ModelError('invalid-output', `"${step.of}" has ${merged.length} values for an item, none at ${index}.`);
    return value === undefined ? NaN : over === 'max' ? value : value / items;
  };
  return {
    take,
    finish: (values) => {
      if (step.step === 'element') values.set(step.gives, result(step.index));
      else if (step.step === 'embedding')
        values.set(step.gives, {
          kind: 'vector',
          data: Float32Array.from(merged ?? [], (_, index) => result(index)),
        });
      else for (const { id, value } of labels) values.set(`${step.gives}.${id}`, result(value));
    },
  };
}
