/**
 * Some of many, one twice as large twice as likely, without knowing how many there will be: each draws a key u^(1/bytes),
 * and the greatest keys stay (Efraimidis and Spirakis, 2006).
 */
export class BytesSample<Item> {
  private readonly kept: { item: Item; key: number }[] = [];

  constructor(
    private readonly size: number,
    private readonly random: () => number = Math.random,
  ) {}

  offer(item: Item, bytes: number): void {
    // The logarithm of the key has the same order, and does not end at 1.
    const key = Math.log(1 - this.random()) / Math.max(1, bytes);
    this.kept.push({ item, key });
    if (this.kept.length <= this.size) return;
    const least = this.kept.reduce((low, one, index) => (one.key < this.kept[low]!.key ? index : low), 0);
    this.kept.splice(least, 1);
  }

  get chosen(): Item[] {
    return this.kept.map(({ item }) => item);
  }
}
