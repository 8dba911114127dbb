import type { Tensors } from './tensor.js';
import type { Values } from './values.js';

/** One postprocessing step at work: it sees every batch once, in order, then adds what it gives to the values. */
export interface Reducer {
  take?(tensors: Tensors): void;
  finish(values: Values): void;
}

/** What steps know of the input beside its numbers. */
export type InputFacts =
  | { kind: 'volume'; pixelAreaMm2: number; sliceSpacingMm: number; slices: number }
  | { kind: 'waveform'; hertz: number }
  | { kind: 'tiles' };
