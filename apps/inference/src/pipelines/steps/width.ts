import type { PostprocessingStep } from '../../models/manifest.js';
import type { InputFacts, Reducer } from '../reducer.js';
import { tensorNamed, type Tensor } from '../tensor.js';
import { percentile } from './distribution.js';

type WidthStep = Extract<PostprocessingStep, { step: 'width' }>;

/**
 * How long (ms) an output stays high around the places of a list. The stretches around all places are laid over each other and
 * their median taken, sample by sample, so that noise and the odd beat go; on that curve the width is measured at a level between
 * its floor (10th percentile) and its top. Gives NaN when fewer than three places have a whole stretch, or the curve never falls.
 */
export function widthStep(step: WidthStep, facts: Extract<InputFacts, { kind: 'waveform' }>): Reducer {
  let signal: Tensor['data'] = new Float32Array();
  return {
    take: (tensors) => {
      signal = tensorNamed(tensors, step.of).data;
    },
    finish: (values) => {
      const reach = Math.round((step.withinMilliseconds * facts.hertz) / 1000);
      const centres = Array.from(values.list(step.at), (place) => Math.round((place * facts.hertz) / 1000));
      const whole = centres.filter((centre) => centre >= reach && centre + reach < signal.length);
      const samples =
        whole.length < 3
          ? NaN
          : widthOf(medianCurve(signal, whole, reach), step.level, (step.bridgeMilliseconds * facts.hertz) / 1000);
      values.set(step.gives, (samples * 1000) / facts.hertz);
    },
  };
}

function medianCurve(signal: Tensor['data'], centres: number[], reach: number): Float64Array {
  return Float64Array.from({ length: 2 * reach + 1 }, (_, index) =>
    percentile(
      Float64Array.from(centres, (centre) => signal[centre - reach + index]!),
      50,
    ),
  );
}

function widthOf(curve: Float64Array, share: number, bridge: number): number {
  const top = curve.reduce((best, value, index) => (value > curve[best]! ? index : best), 0);
  const floor = percentile(curve, 10);
  const level = floor + share * (curve[top]! - floor);
  return crossing(curve, top, 1, level, bridge) - crossing(curve, top, -1, level, bridge);
}

/** Where the curve falls below the level for longer than the bridge, between two samples; NaN when it does not before its end. */
function crossing(curve: Float64Array, top: number, direction: 1 | -1, level: number, bridge: number): number {
  let below = top;
  for (let index = top; index >= 0 && index < curve.length; index += direction) {
    if (curve[index]! >= level) below = index + direction;
    else if (Math.abs(index - below) >= bridge) break;
  }
  if (below < 0 || below >= curve.length || below === top) return NaN;
  const [inner, outer] = [curve[below - direction]!, curve[below]!];
  return below - direction + (direction * (inner - level)) / (inner - outer);
}
