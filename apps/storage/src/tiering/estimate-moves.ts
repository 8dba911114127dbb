import type { BlobStores, Prices } from '#libs/blobs';
import type { Move } from './choose-moves.js';
import type { Tier } from './tiers.js';

export interface MoveEstimate {
  from: Tier;
  to: Tier;
  reason: string;
  studies: number;
  series: number;
  bytes: number;
  /** Of the target: what is written, one object a series, in parts where it is large. */
  writeRequests: number;
  /** In the operator's currency, once; 0 where no prices are configured. */
  cost: number;
  /** What the same bytes cost more, or less, each month from then on. */
  monthlyCost: number;
}

export interface MovesEstimate {
  studiesSeen: number;
  studies: number;
  series: number;
  bytes: number;
  cost: number;
  monthlyCost: number;
  /** By policy and way. */
  groups: MoveEstimate[];
  /** The first of them. */
  examples: Move[];
  /** There are more studies than were looked at. */
  isCut: boolean;
}

const gigabyte = 1e9;
const partBytes = 8 * 1024 ** 2;
const examplesMax = 100;
const free: Prices = { gbMonth: 0, thousandWrites: 0, thousandReads: 0, gbRead: 0 };

/** Adds up what moves would take: bytes, requests, money. */
export class EstimateMoves {
  private readonly groups = new Map<string, MoveEstimate & { uids: Set<string> }>();
  private readonly examples: Move[] = [];
  private readonly uids = new Set<string>();

  constructor(private readonly stores: BlobStores) {}

  add(moves: readonly Move[]): void {
    for (const move of moves) {
      const { from, to, reason, bytes, studyInstanceUid } = move;
      const name = `${from} ${to} ${reason}`;
      let group = this.groups.get(name);
      if (group === undefined) {
        group = {
          from,
          to,
          reason,
          studies: 0,
          series: 0,
          bytes: 0,
          writeRequests: 0,
          cost: 0,
          monthlyCost: 0,
          uids: new Set(),
        };
        this.groups.set(name, group);
      }
      const writes = bytes <= partBytes ? 1 : Math.ceil(bytes / partBytes) + 2;
      const [source, target] = [this.pricesOf(from), this.pricesOf(to)];
      group.series += 1;
      group.bytes += bytes;
      group.writeRequests += writes;
      // Written, and read back once; read from where it was.
      group.cost +=
        (writes * target.thousandWrites + target.thousandReads + source.thousandReads) / 1_000 +
        (bytes / gigabyte) * (target.gbRead + source.gbRead);
      group.monthlyCost += (bytes / gigabyte) * (target.gbMonth - source.gbMonth);
      group.uids.add(studyInstanceUid);
      this.uids.add(studyInstanceUid);
      if (this.examples.length < examplesMax) this.examples.push(move);
    }
  }

  result(studiesSeen: number, isCut: boolean): MovesEstimate {
    const groups = [...this.groups.values()].map(({ uids, ...group }) => ({ ...group, studies: uids.size }));
    const sum = (of: (group: MoveEstimate) => number) => groups.reduce((total, group) => total + of(group), 0);
    return {
      studiesSeen,
      studies: this.uids.size,
      series: sum(({ series }) => series),
      bytes: sum(({ bytes }) => bytes),
      cost: sum(({ cost }) => cost),
      monthlyCost: sum(({ monthlyCost }) => monthlyCost),
      groups,
      examples: this.examples,
      isCut,
    };
  }

  private pricesOf(tier: Tier): Prices {
    return this.stores.entries.find((entry) => entry.tier === tier && entry.prices !== undefined)?.prices ?? free;
  }
}
