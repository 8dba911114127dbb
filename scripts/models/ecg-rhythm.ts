import { GraphBuilder, type Edge } from './graph-builder.js';

const hertz = 500;
const leads = 8;

/**
 * ECG in microvolts at 500 Hz (eight independent leads) -> where the beats are and how fast the heart vector moves.
 *
 * After Pan and Tompkins (1985): band-pass, derivative, square, moving window, adaptive threshold, one beat per refractory
 * window; over all leads at once rather than one. Every filter is symmetric, so nothing is delayed.
 */
export function buildEcgRhythm(): Uint8Array {
  const g = new GraphBuilder('ecg_rhythm');
  const ecg = g.input('ecg', 'float32', [1, leads, 'samples']);

  // Beats.
  const detection = filterEachLead(g, ecg, convolve(bandPass(5, 18, 251), derivative()));
  const energy = overLeads(g, detection);
  const activity = filterOne(g, energy, window(odd(0.15)));
  const threshold = adaptiveThreshold(g, activity);
  const highest = maxPool(g, activity, odd(0.4));
  const isPeak = g.op('And', [g.op('Equal', [activity, highest]), g.op('Greater', [activity, threshold])]);
  const peaks = g.op('Mul', [g.op('Cast', [isPeak], { to: 1 }), activity]);
  g.output('peaks', peaks, 'float32', [1, 1, 'samples']);

  g.output('activity', activity, 'float32', [1, 1, 'samples']);

  // Speed of the heart vector, microvolts a millisecond. A bell smooths it, since a sharp filter would ring beyond the QRS.
  const slopes = filterEachLead(
    g,
    ecg,
    convolve(
      bell(0.0035),
      [0.5, 0, -0.5].map((weight) => (weight * hertz) / 1000),
    ),
  );
  const speed = g.op('Sqrt', [overLeads(g, slopes)]);
  g.output('speed', speed, 'float32', [1, 1, 'samples']);
  return g.model('Beats and spatial velocity of an ECG (microvolts, 500 Hz, leads I II V1-V6).', 1);
}

/** A third of the local maximum (3 s), but at least a tenth of the mean local maximum, so that a pause does not lift noise over it. */
function adaptiveThreshold(g: GraphBuilder, activity: Edge): Edge {
  const local = maxPool(g, activity, odd(3));
  const floor = g.op('Mul', [g.op('ReduceMean', [local], { axes: [2] }), g.float(0.1)]);
  return g.op('Max', [g.op('Mul', [local, g.float(0.3)]), floor]);
}

function filterEachLead(g: GraphBuilder, signal: Edge, kernel: number[]): Edge {
  return convolution(g, signal, kernel, leads);
}

function filterOne(g: GraphBuilder, signal: Edge, kernel: number[]): Edge {
  return convolution(g, signal, kernel, 1);
}

/** ONNX Conv correlates; the kernel is reversed so that it convolves. Edges are held, lest the ends look like steps. */
function convolution(g: GraphBuilder, signal: Edge, kernel: number[], channels: number): Edge {
  const half = (kernel.length - 1) / 2;
  const padded = g.op('Pad', [signal, g.integers([0, 0, half, 0, 0, half])], { mode: 'edge' });
  const weights = Array.from({ length: channels }, () => kernel.toReversed()).flat();
  return g.op('Conv', [padded, g.floats(weights, [channels, 1, kernel.length])], { group: channels });
}

function overLeads(g: GraphBuilder, signal: Edge): Edge {
  return g.op('ReduceSum', [g.op('Mul', [signal, signal]), g.integers([1])]);
}

function maxPool(g: GraphBuilder, signal: Edge, length: number): Edge {
  const half = (length - 1) / 2;
  return g.op('MaxPool', [signal], { kernel_shape: [length], pads: [half, half] });
}

function odd(seconds: number): number {
  return 2 * Math.round((seconds * hertz) / 2) + 1;
}

/** Five-point derivative of Pan and Tompkins, per millisecond. */
function derivative(): number[] {
  const perMillisecond = hertz / 1000;
  return [1, 2, 0, -2, -1].map((weight) => (weight / 8) * perMillisecond);
}

/** Windowed sinc (Hamming), unity gain at 0. */
function lowPass(cutoffHertz: number, length: number): number[] {
  const middle = (length - 1) / 2;
  const taps = Array.from({ length }, (_, index) => {
    const x = (2 * cutoffHertz * (index - middle)) / hertz;
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    return sinc * (0.54 - 0.46 * Math.cos((2 * Math.PI * index) / (length - 1)));
  });
  const gain = taps.reduce((sum, tap) => sum + tap, 0);
  return taps.map((tap) => tap / gain);
}

function bandPass(lowHertz: number, highHertz: number, length: number): number[] {
  const low = lowPass(lowHertz, length);
  return lowPass(highHertz, length).map((tap, index) => tap - low[index]!);
}

/** Gaussian of this standard deviation. */
function bell(seconds: number): number[] {
  const half = Math.ceil(4 * seconds * hertz);
  const taps = Array.from({ length: 2 * half + 1 }, (_, index) =>
    Math.exp(-0.5 * ((index - half) / (seconds * hertz)) ** 2),
  );
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}

/** Hann: its smoothing has one top per beat, where a box would have a plateau. */
function window(length: number): number[] {
  const taps = Array.from({ length }, (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (index + 1)) / (length + 1)));
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}

function convolve(a: number[], b: number[]): number[] {
  const out = new Array<number>(a.length + b.length - 1).fill(0);
  a.forEach((x, i) => b.forEach((y, j) => (out[i + j] = out[i + j]! + x * y)));
  return out;
}
