import type { DataSource } from '#libs/database';
import { indexNewPacks, type NewPack } from './index-new-packs.js';
import { metadataBytes } from './receive-part.js';

/** `not-new`: nothing was written; `unclear`: it may have been, for the connection
 * broke. */
export type GroupedOutcome =
  { kind: 'indexed'; contradicting: ReadonlySet<string> } | { kind: 'not-new' } | { kind: 'unclear'; error: unknown };

interface Waiting extends NewPack {
  metadataBytes: number;
  settle: (outcome: GroupedOutcome) => void;
}

// What goes together stays of the size that one request may have.
const instancesMax = 1_000;
const metadataBytesMax = 32 * 1024 ** 2;
// A transaction that takes longer waits for something, a lock or a disk; others go past it.
const patienceMilliseconds = 20;
const transactionsMax = 4;

/**
 * Packs of concurrent requests share their transactions: what comes while one is under way waits for its end and goes
 * together in the next. Who comes alone waits for nobody.
 */
export class GroupedIndex {
  private waiting: Waiting[] = [];
  private underWay = 0;
  private isPatient = false;
  private answeredAt = -Infinity;

  constructor(private readonly dataSource: DataSource) {}

  /** The index is there, as far as one can know. */
  get hasJustAnswered(): boolean {
    return performance.now() - this.answeredAt < 1_000;
  }

  /** What is not new, and what PostgreSQL refused, is for the caller to index by itself. Does not reject. */
  add(pack: NewPack): Promise<GroupedOutcome> {
    return new Promise((settle) => {
      const bytes = pack.instances.reduce((sum, instance) => sum + metadataBytes(instance), 0);
      this.waiting.push({ ...pack, metadataBytes: bytes, settle });
      this.next();
    });
  }

  private next(): void {
    if (this.waiting.length === 0 || this.isPatient || this.underWay >= transactionsMax) return;
    const group = this.take();
    this.underWay += 1;
    this.isPatient = true;
    let timer: NodeJS.Timeout | undefined = setTimeout(() => {
      timer = undefined;
      this.isPatient = false;
      this.next();
    }, patienceMilliseconds);
    void this.index(group).finally(() => {
      this.underWay -= 1;
      // The last one begun is the one that is waited for; its timer says whether it still is.
      if (timer !== undefined) {
        clearTimeout(timer);
        this.isPatient = false;
      }
      this.next();
    });
  }

  /** The oldest that fit together. An instance that is in two packs is new in one of them. */
  private take(): Waiting[] {
    const group: Waiting[] = [];
    const uids = new Set<string>();
    let bytes = 0;
    this.waiting = this.waiting.filter((one) => {
      const isTooMuch =
        group.length > 0 &&
        (uids.size + one.instances.length > instancesMax || bytes + one.metadataBytes > metadataBytesMax);
      if (isTooMuch || one.instances.some((instance) => uids.has(instance.sopInstanceUid))) return true;
      group.push(one);
      bytes += one.metadataBytes;
      for (const { sopInstanceUid } of one.instances) uids.add(sopInstanceUid);
      return false;
    });
    return group;
  }

  private async index(group: readonly Waiting[]): Promise<void> {
    let outcome: GroupedOutcome;
    try {
      const contradicting = await indexNewPacks(this.dataSource, group);
      this.answeredAt = performance.now();
      outcome = contradicting === undefined ? { kind: 'not-new' } : { kind: 'indexed', contradicting };
    } catch (error) {
      this.answeredAt = -Infinity;
      outcome = wasRefused(error) ? { kind: 'not-new' } : { kind: 'unclear', error };
    }
    for (const { settle } of group) settle(outcome);
  }
}

/** By PostgreSQL, for what the statement says or what it met: nothing was written. Of other errors nobody can tell. */
function wasRefused(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(22|23|40|42|53|54|55)/.test(code) && code.length === 5 && code !== '40003';
}
