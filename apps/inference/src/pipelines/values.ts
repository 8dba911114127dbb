/** How often each whole number came up; a value counts in the bin of its floor, one outside in the first or last bin. */
export interface Histogram {
  from: number;
  counts: Float64Array;
  /** Of the values themselves, clipped to the bins. */
  sum: number;
}

export type Value = number | Float64Array | Histogram;

/** What the postprocessing has worked out so far, by name. Names and kinds were checked with the manifest, so a wrong one is our fault. */
export class Values {
  private readonly byName = new Map<string, Value>();

  constructor(numbers: Readonly<Record<string, number>> = {}) {
    for (const [name, value] of Object.entries(numbers)) this.byName.set(name, value);
  }

  set(name: string, value: Value): void {
    this.byName.set(name, value);
  }

  get(name: string): Value {
    const value = this.byName.get(name);
    if (value === undefined) throw new Error(`No value named "${name}"; the manifest's names were not checked.`);
    return value;
  }

  number(name: string): number {
    const value = this.get(name);
    if (typeof value !== 'number') throw new Error(`"${name}" is not a number; the manifest's names were not checked.`);
    return value;
  }

  list(name: string): Float64Array {
    const value = this.get(name);
    if (!(value instanceof Float64Array)) throw new Error(`"${name}" is not a list; the manifest's names were not checked.`);
    return value;
  }
}
