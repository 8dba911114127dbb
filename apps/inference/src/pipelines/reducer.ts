import type { Batch } from './batch.js';
import type { Grid } from './volumes/grid.js';
import type { Tensor, Tensors } from './tensor.js';
import type { Values } from './values.js';

/** One postprocessing step at work: it sees every batch once, in order, then adds what it gives to the values. */
export interface Reducer {
  /** @returns tensors it makes of the batch, for the steps after it. */
  take?(tensors: Tensors, batch: Batch): Record<string, Tensor> | void;
  finish?(values: Values): void | Promise<void>;
}

/** What steps know of the input beside its numbers. */
export type InputFacts =
  | { kind: 'image'; pictures: PictureFacts[] }
  | { kind: 'stack'; pixelAreaMm2: number; sliceSpacingMm: number; slices: number; source: Grid }
  /** `grid`: of the prepared volume, before windows were cut of it; `source`: as it was acquired, slices, rows, columns. */
  | { kind: 'volume'; grid: Grid; source: Grid }
  | { kind: 'waveform'; hertz: number }
  | SlideFacts;

export interface PictureFacts {
  rows: number;
  columns: number;
  /** Between rows, between columns; undefined where the picture does not say. */
  spacingMm: readonly [number, number] | undefined;
}

export interface SlideFacts {
  kind: 'tiles';
  matrixRows: number;
  matrixColumns: number;
  /** Of a tile without its overlap, pixels. */
  tileRows: number;
  tileColumns: number;
  /** Between rows, between columns. */
  spacingMicrometres: readonly [number, number];
  /** Whether tiles come in the order of TILED_FULL (PS3.3 C.7.6.17.3): row by row, each once or left out. */
  isOrdered: boolean;
}

/** What steps work with beside what they see. */
export interface StepContext {
  facts: InputFacts;
  /** Class index or mask value to id. */
  labels: readonly { id: string; value: number }[];
  /** Layout by tensor, one letter an axis. */
  layouts: ReadonlyMap<string, string>;
  /** Where a step may write what is too large to hold; the caller removes it. */
  directory: string;
}
