import type { PostprocessingStep } from '../../models/manifest.js';
import type { InputFacts, Reducer } from '../reducer.js';
import { tensorNamed, type Tensor } from '../tensor.js';
import { percentile } from './distribution.js';

type WidthsStep = Extract<PostprocessingStep, { step: 'widths' }>;

/**
 * How long an output stays above a level around each place of a list: from the top within reach, outwards on both sides until
 * it has been below the level for longer than the bridge. A place whose signal ends first, or never falls below, gives no width.
 */
export function widthsStep(step: WidthsStep, facts: Extract<InputFacts, { kind: 'waveform' }>): Reducer {
  let signal: Tensor['data'] = new Float32Array();
  return {
    take: (tensors) => {
      signal = tensorNamed(tensors, step.of).data;
    },
    finish: (values) => {
      const floor = signal.length === 0 ? 0 : percentile(Float64Array.from(signal), 20);
      const widths = Array.from(values.list(step.at), (place) => widthAt(signal, Math.round((place * facts.hertz) / 1000), floor, step, facts.hertz));
      values.set(step.gives, Float64Array.from(widths.filter((width) => width !== undefined)));
    },
  };
}

function widthAt(signal: Tensor['data'], place: number, floor: number, step: WidthsStep, hertz: number): number | undefined {
  const reach = Math.round((step.withinMilliseconds * hertz) / 1000);
  const first = place - reach;
  const last = place + reach;
  if (first < 0 || last >= signal.length) return undefined;
  let top = first;
  for (let index = first; index <= last; index++) if (signal[index]! > signal[top]!) top = index;

  const level = floor + step.level * (signal[top]! - floor);
  const bridge = Math.round((step.bridgeMilliseconds * hertz) / 1000);
  const start = edge(signal, top, -1, first, level, bridge);
  const end = edge(signal, top, 1, last, level, bridge);
  return start === undefined || end === undefined ? undefined : ((end - start) * 1000) / hertz;
}

/** Where the signal crosses the level, between two samples; undefined when it does not within `limit`. */
function edge(signal: Tensor['data'], top: number, direction: 1 | -1, limit: number, level: number, bridge: number): number | undefined {
  let lastAbove = top;
  for (let index = top; index !== limit + direction; index += direction) {
    if (signal[index]! >= level) lastAbove = index;
    else if (Math.abs(index - lastAbove) > bridge) {
      const above = signal[lastAbove]!;
      const below = signal[lastAbove + direction]!;
      return lastAbove + (direction * (above - level)) / (above - below);
    }
  }
  return undefined;
}
