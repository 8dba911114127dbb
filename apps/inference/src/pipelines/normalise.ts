import type { NormaliseStep } from '../models/manifest-inputs.js';
import { ModelError } from '../models/model-error.js';
import type { ValueMap } from './volumes/value-map.js';

type ValueStep = NormaliseStep | { step: 'clip'; from: number; to: number };

/**
 * Changes values in place, of `channels` planes one behind the other.
 *
 * @throws ModelError 'invalid-input' when all values are one and the same, and it is their spread that counts.
 */
export function applyValueStep(data: Float32Array, step: ValueStep, channels: number): void {
  if (step.step === 'clip') {
    for (let at = 0; at < data.length; at++) {
      const value = data[at]!;
      if (value < step.from) data[at] = step.from;
      else if (value > step.to) data[at] = step.to;
    }
    return;
  }
  switch (step.by) {
    case 'constants': {
      const plane = data.length / channels;
      for (let channel = 0; channel < channels; channel++) {
        const mean = one(step.mean, channel);
        const deviation = one(step.deviation, channel);
        for (let at = channel * plane; at < (channel + 1) * plane; at++)
          data[at] = (data[at]! * step.scale - mean) / deviation;
      }
      return;
    }
    case 'range': {
      const { lowest, highest } = rangeOf(data);
      if (!(highest > lowest)) throw even();
      const span = highest - lowest;
      for (let at = 0; at < data.length; at++) data[at] = (data[at]! - lowest) / span;
      return;
    }
    case 'deviation': {
      let [count, sum, squares] = [0, 0, 0];
      for (let at = 0; at < data.length; at++) {
        const value = data[at]!;
        if (step.nonZero && value === 0) continue;
        count++;
        sum += value;
        squares += value * value;
      }
      const mean = sum / count;
      const deviation = Math.sqrt(squares / count - mean * mean);
      if (!(deviation > 0)) throw even();
      for (let at = 0; at < data.length; at++)
        if (!step.nonZero || data[at] !== 0) data[at] = (data[at]! - mean) / deviation;
      return;
    }
    case 'percentiles': {
      const sorted = data.toSorted();
      const at = (percent: number) => sorted[Math.round(((sorted.length - 1) * percent) / 100)]!;
      stretch(data, at(step.low), at(step.high));
    }
  }
}

/**
 * What a step would do to each of one plane of values, where that is one line for all of them.
 *
 * @param range of the values, where it is known
 * @returns undefined for other steps
 * @throws ModelError 'invalid-input' as {@link applyValueStep} does
 */
export function linearOf(step: ValueStep, data: Float32Array, range?: Range): ValueMap | undefined {
  if (step.step === 'clip') return undefined;
  if (step.by === 'constants') {
    const [minus, over] = [one(step.mean, 0), one(step.deviation, 0)];
    return step.scale > 0 && over > 0 ? { scale: step.scale, minus, over } : undefined;
  }
  if (step.by !== 'range') return undefined;
  const { lowest, highest } = range ?? rangeOf(data);
  if (!(highest > lowest)) throw even();
  return { scale: 1, minus: lowest, over: highest - lowest };
}

/** The ends of what numbers there are. */
export interface Range {
  lowest: number;
  highest: number;
}

const nothing: Range = { lowest: Infinity, highest: -Infinity };

/**
 * Most values lie between those found before: four at a time are passed by where all of them do. What is no number does not count.
 *
 * @param before of values that count, too
 */
export function rangeOf(data: Float32Array, before: Range = nothing): Range {
  let { lowest, highest } = before;
  let at = 0;
  for (; at + 4 <= data.length; at += 4) {
    const a = data[at]!;
    const b = data[at + 1]!;
    const c = data[at + 2]!;
    const d = data[at + 3]!;
    const areBetween =
      a >= lowest && a <= highest && b >= lowest && b <= highest && c >= lowest && c <= highest && d >= lowest;
    if (areBetween && d <= highest) continue;
    ({ lowest, highest } = widened({ lowest, highest }, data, at, at + 4));
  }
  return widened({ lowest, highest }, data, at, data.length);
}

function widened({ lowest, highest }: Range, data: Float32Array, from: number, to: number): Range {
  for (let at = from; at < to; at++) {
    const value = data[at]!;
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return { lowest, highest };
}

function stretch(data: Float32Array, low: number, high: number): void {
  if (!(high > low)) throw even();
  for (let at = 0; at < data.length; at++) data[at] = Math.min(1, Math.max(0, (data[at]! - low) / (high - low)));
}

function one(values: number | number[], channel: number): number {
  return typeof values === 'number' ? values : (values[channel] ?? values.at(-1)!);
}

function even(): ModelError {
  return new ModelError('invalid-input', 'All values of the input are the same: there is nothing in it to read.');
}
