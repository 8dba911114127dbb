import type { BlobStores, Prices } from '#libs/blobs';
import { BytesSample } from './bytes-sample.js';
import type { Move } from './choose-moves.js';
import type { Tier } from './tiers.js';
import type { RecompressionTrial } from './try-recompression.js';

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
  /** There where frames are to be compressed on the way. */
  recompression?: RecompressionEstimate;
}

/** What compressing would save and take. The costs are those of what would be stored; the requests at most as many. */
export interface RecompressionEstimate {
  series: number;
  bytes: number;
  /** What would be stored of them. */
  storedBytes: number;
  bytesSaved: number;
  /** Of one processor. */
  cpuSeconds: number;
  /** By so many series, of which a frame was compressed to find out; 0: none could be read, and nothing is known. */
  seriesTried: number;
  /** Why frames would be left as they are, and of how many of those tried. */
  keptAsIs: Record<string, number>;
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

interface Group {
  estimate: MoveEstimate;
  uids: Set<string>;
  /** Of these, the series whose frames are to be compressed. */
  toCompress: { series: number; bytes: number };
  sample: BytesSample<Move>;
}

const gigabyte = 1e9;
/** Series of a group that are tried: a dry run is to answer while somebody waits. */
const triedMax = 12;
const partBytes = 8 * 1024 ** 2;
const examplesMax = 100;
const free: Prices = { gbMonth: 0, thousandWrites: 0, thousandReads: 0, gbRead: 0 };

/** Adds up what moves would take: bytes, requests, money. */
export class EstimateMoves {
  private readonly groups = new Map<string, Group>();
  private readonly examples: Move[] = [];
  private readonly uids = new Set<string>();

  constructor(private readonly stores: BlobStores) {}

  add(moves: readonly Move[]): void {
    for (const move of moves) {
      const { from, to, reason, bytes, studyInstanceUid } = move;
      const name = `${from} ${to} ${reason}`;
      let group = this.groups.get(name);
      if (group === undefined) {
        const nothing = { studies: 0, series: 0, bytes: 0, writeRequests: 0, cost: 0, monthlyCost: 0 };
        group = {
          estimate: { from, to, reason, ...nothing },
          uids: new Set(),
          toCompress: { series: 0, bytes: 0 },
          sample: new BytesSample(triedMax),
        };
        this.groups.set(name, group);
      }
      const writes = bytes <= partBytes ? 1 : Math.ceil(bytes / partBytes) + 2;
      const [source, target] = [this.pricesOf(from), this.pricesOf(to)];
      group.estimate.series += 1;
      group.estimate.bytes += bytes;
      group.estimate.writeRequests += writes;
      // Written, and read back once; read from where it was.
      group.estimate.cost +=
        (writes * target.thousandWrites + target.thousandReads + source.thousandReads) / 1_000 +
        (bytes / gigabyte) * (target.gbRead + source.gbRead);
      group.estimate.monthlyCost += (bytes / gigabyte) * (target.gbMonth - source.gbMonth);
      if (move.recompress !== undefined) {
        group.toCompress.series += 1;
        group.toCompress.bytes += bytes;
        group.sample.offer(move, bytes);
      }
      group.uids.add(studyInstanceUid);
      this.uids.add(studyInstanceUid);
      if (this.examples.length < examplesMax) this.examples.push(move);
    }
  }

  /** Of the series whose frames are to be compressed, some of each group. */
  samples(): Map<string, Move[]> {
    const groups = [...this.groups].filter(([, { toCompress }]) => toCompress.series > 0);
    return new Map(groups.map(([name, { sample }]) => [name, sample.chosen]));
  }

  /** @param trials what was found of the {@link samples} */
  result(
    studiesSeen: number,
    isCut: boolean,
    trials: ReadonlyMap<string, RecompressionTrial> = new Map(),
  ): MovesEstimate {
    const groups = [...this.groups].map(([name, group]) => this.summary(group, trials.get(name)));
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

  private summary({ estimate, uids, toCompress }: Group, trial?: RecompressionTrial): MoveEstimate {
    const summary = { ...estimate, studies: uids.size };
    if (trial === undefined) return summary;
    const target = this.pricesOf(estimate.to);
    const { series, bytes } = toCompress;
    const storedBytes = Math.round(bytes * trial.storedShare);
    const saved = (bytes - storedBytes) / gigabyte;
    return {
      ...summary,
      cost: estimate.cost - saved * target.gbRead,
      monthlyCost: estimate.monthlyCost - saved * target.gbMonth,
      recompression: {
        series,
        bytes,
        storedBytes,
        bytesSaved: bytes - storedBytes,
        cpuSeconds: Math.round(10 * bytes * trial.secondsPerByte) / 10,
        seriesTried: trial.tried,
        keptAsIs: trial.keptAsIs,
      },
    };
  }

  private pricesOf(tier: Tier): Prices {
    return this.stores.entries.find((entry) => entry.tier === tier && entry.prices !== undefined)?.prices ?? free;
  }
}
