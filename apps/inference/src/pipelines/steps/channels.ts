import type { PostprocessingStep } from '../../models/manifest.js';
import { ModelError } from '../../models/model-error.js';
import type { Reducer, StepContext } from '../reducer.js';
import { tensorNamed, type Tensor } from '../tensor.js';

type ChannelStep = Extract<PostprocessingStep, { step: 'softmax' | 'sigmoid' | 'argmax' | 'threshold' }>;

/** Steps that make a tensor of a tensor, value by value or along its channels. */
export function channelStep(step: ChannelStep, { layouts }: StepContext): Reducer {
  const layout = layouts.get(step.of) ?? '';
  const isMask = step.step === 'argmax' || step.step === 'threshold';
  (layouts as Map<string, string>).set(step.gives, isMask ? layout.replace('C', '') : layout);
  return { take: (tensors) => ({ [step.gives]: apply(step, tensorNamed(tensors, step.of), layout) }) };
}

function apply(step: ChannelStep, tensor: Tensor, layout: string): Tensor {
  if (step.step === 'sigmoid')
    return { data: Float32Array.from(tensor.data, (value) => 1 / (1 + Math.exp(-value))), dims: tensor.dims };

  const { outer, channels, inner, dims } = channelsOf(tensor, layout);
  const { data } = tensor;
  if (step.step === 'softmax') {
    const out = new Float32Array(data.length);
    for (let before = 0; before < outer; before++) {
      for (let after = 0; after < inner; after++) {
        const start = before * channels * inner + after;
        let highest = -Infinity;
        for (let channel = 0; channel < channels; channel++)
          highest = Math.max(highest, data[start + channel * inner]!);
        let sum = 0;
        for (let channel = 0; channel < channels; channel++)
          sum += out[start + channel * inner] = Math.exp(data[start + channel * inner]! - highest);
        for (let channel = 0; channel < channels; channel++) out[start + channel * inner]! /= sum;
      }
    }
    return { data: out, dims: tensor.dims };
  }

  const mask = new Uint8Array(outer * inner);
  const without = dims.filter((_, axis) => layout[axis] !== 'C');
  if (step.step === 'threshold' && step.channel >= channels)
    throw new ModelError(
      'invalid-output',
      `"${step.of}" has ${channels} channels; there is no channel ${step.channel}.`,
    );
  for (let before = 0; before < outer; before++) {
    for (let after = 0; after < inner; after++) {
      const start = before * channels * inner + after;
      let value = 0;
      if (step.step === 'threshold') value = data[start + step.channel * inner]! > step.above ? step.value : 0;
      else
        for (let channel = 1; channel < channels; channel++)
          if (data[start + channel * inner]! > data[start + value * inner]!) value = channel;
      mask[before * inner + after] = value;
    }
  }
  return { data: mask, dims: without };
}

/** How a tensor falls into what comes before its channels, they themselves, and what comes after; without C there is one. */
export function channelsOf(
  { dims }: Tensor,
  layout: string,
): { outer: number; channels: number; inner: number; dims: readonly number[] } {
  const axis = layout.indexOf('C');
  const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
  if (axis === -1) return { outer: product(dims), channels: 1, inner: 1, dims };
  return { outer: product(dims.slice(0, axis)), channels: dims[axis]!, inner: product(dims.slice(axis + 1)), dims };
}
