import type { PictureTransform } from './batch.js';
import type { Mask } from './masks/mask.js';

/** How often each whole number came up; a value counts in the bin of its floor, one outside in the first or last bin. */
export interface Histogram {
  from: number;
  counts: Float64Array;
  /** Of the values themselves, clipped to the bins. */
  sum: number;
}

/** Numbers one by one, or counted in bins. */
export type Distribution = Float64Array | Histogram;

/** A box that was found, in pixels of the picture (or of the slide's level): edges, from the top left corner. */
export interface Box {
  /** Index of the picture among the input's frames; undefined on a slide. */
  frame: number | undefined;
  left: number;
  top: number;
  right: number;
  bottom: number;
  score: number;
  /** Of the label it has. */
  value: number;
}

/** Values over a picture, or over a slide's level: cell by cell. */
export interface HeatMap {
  kind: 'heat-map';
  maps: { frame: number | undefined; rows: number; columns: number; data: Float32Array; transform: PictureTransform }[];
}

/** What is kept beside numbers, by name. */
export type Value =
  number | Distribution | Mask | { kind: 'boxes'; boxes: Box[] } | HeatMap | { kind: 'vector'; data: Float32Array };
type Kept<Kind extends string> = Extract<Value, { kind: Kind }>;

/** What the postprocessing has worked out so far, by name. Names and kinds were checked with the manifest, so a wrong one is our fault. */
export class Values {
  private readonly byName = new Map<string, Value>();

  constructor(numbers: Readonly<Record<string, number>> = {}) {
    for (const [name, value] of Object.entries(numbers)) this.byName.set(name, value);
  }

  set(name: string, value: Value): void {
    this.byName.set(name, value);
  }

  number(name: string): number {
    const value = this.get(name);
    if (typeof value !== 'number') throw wrongKind(name, 'a number');
    return value;
  }

  /** A number written out, or one by its name. */
  operand(operand: number | string): number {
    return typeof operand === 'number' ? operand : this.number(operand);
  }

  distribution(name: string): Distribution {
    const value = this.get(name);
    if (typeof value === 'number' || 'kind' in value) throw wrongKind(name, 'a list or a histogram');
    return value;
  }

  list(name: string): Float64Array {
    const value = this.distribution(name);
    if (!(value instanceof Float64Array)) throw wrongKind(name, 'a list');
    return value;
  }

  histogram(name: string): Histogram {
    const value = this.distribution(name);
    if (value instanceof Float64Array) throw wrongKind(name, 'a histogram');
    return value;
  }

  mask(name: string): Mask {
    const value = this.get(name);
    if (typeof value !== 'number' && 'kind' in value)
      switch (value.kind) {
        case 'volume':
        case 'pictures':
        case 'slide':
          return value;
      }
    throw wrongKind(name, 'a mask');
  }

  kept<Kind extends 'boxes' | 'heat-map' | 'vector'>(kind: Kind, name: string): Kept<Kind> {
    const value = this.get(name);
    if (typeof value === 'number' || !('kind' in value) || value.kind !== kind) throw wrongKind(name, kind);
    return value as Kept<Kind>;
  }

  private get(name: string): Value {
    const value = this.byName.get(name);
    if (value === undefined) throw wrongKind(name, 'there');
    return value;
  }
}

function wrongKind(name: string, wanted: string): Error {
  return new Error(`"${name}" is not ${wanted}; the manifest's names were not checked.`);
}
