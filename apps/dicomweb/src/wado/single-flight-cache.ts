/** Results kept by key within a budget of bytes, the least recently used going first. Equal requests share one computation. */
export class SingleFlightCache<Value> {
  private readonly kept = new Map<string, { value: Value; bytes: number }>();
  private readonly underWay = new Map<string, Promise<Value>>();
  private bytes = 0;

  /** @param bytesOf what a value weighs; one heavier than the whole budget is not kept */
  constructor(
    private readonly bytesMax: number,
    private readonly bytesOf: (value: Value) => number,
  ) {}

  /** @param compute is called at most once at a time for a key; a failure is everybody's who waited, and is not kept */
  async get(key: string, compute: () => Promise<Value>): Promise<Value> {
    const found = this.find(key);
    if (found !== undefined) return found;
    const already = this.underWay.get(key);
    if (already !== undefined) return already;
    const computation = compute();
    this.underWay.set(key, computation);
    try {
      const value = await computation;
      this.keep(key, value);
      return value;
    } finally {
      this.underWay.delete(key);
    }
  }

  /** What is kept, or undefined. */
  find(key: string): Value | undefined {
    const found = this.kept.get(key);
    if (found === undefined) return undefined;
    this.kept.delete(key);
    this.kept.set(key, found);
    return found.value;
  }

  keep(key: string, value: Value): void {
    const bytes = this.bytesOf(value);
    if (bytes > this.bytesMax || this.kept.has(key)) return;
    this.kept.set(key, { value, bytes });
    this.bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.kept) {
      if (this.bytes <= this.bytesMax) return;
      this.kept.delete(oldest);
      this.bytes -= freed;
    }
  }
}
