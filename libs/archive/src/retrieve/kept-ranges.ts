import { type DataSource, queryPrepared } from '#libs/database';

export interface KeptRange {
  offset: number;
  length: number;
  store: string;
  key: string;
  keptOffset: number;
}

const packsMax = 10_000;
const freshMilliseconds = 60_000;

/** What of far packs lies on the hot tier, too: a few ranges a pack, remembered for a minute. */
export class KeptRanges {
  private readonly known = new Map<string, { at: number; ranges: Promise<KeptRange[]> }>();

  constructor(private readonly db: DataSource) {}

  /** @returns where the range can be read instead; undefined when it is not kept, or only a part of it */
  async find(packId: string, offset: number, length: number): Promise<KeptRange | undefined> {
    const ranges = await this.of(packId);
    const range = ranges.find((one) => one.offset <= offset && offset + length <= one.offset + one.length);
    return range && { ...range, keptOffset: range.keptOffset + offset - range.offset };
  }

  forget(packId: string): void {
    this.known.delete(packId);
  }

  private of(packId: string): Promise<KeptRange[]> {
    const now = Date.now();
    const known = this.known.get(packId);
    if (known !== undefined && now - known.at < freshMilliseconds) return known.ranges;
    const ranges = this.read(packId);
    this.known.delete(packId);
    this.known.set(packId, { at: now, ranges });
    ranges.catch(() => this.known.delete(packId));
    if (this.known.size > packsMax) this.known.delete(this.known.keys().next().value!);
    return ranges;
  }

  private read(packId: string): Promise<KeptRange[]> {
    return queryPrepared<KeptRange>(
      this.db,
      'kept-ranges-of-pack',
      `select r.pack_offset as offset, r.length, l.store, l.key, r.kept_offset as "keptOffset"
         from kept_range r join location l on l.pack_id = r.kept_pack_id and l.state = 'ready' and l.tier = 'hot'
        where r.pack_id = $1`,
      [packId],
    );
  }
}
