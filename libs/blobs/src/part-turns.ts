interface Waiting {
  bytes: number;
  begin: () => void;
}

/**
 * Bounds what all uploads hold together: whoever wants memory for another part waits, in the order in which they came, until
 * there is less than that in others' hands. Only for who fills a part at once: it is held while it is filled, too.
 */
export class PartTurns {
  private held = 0;
  private readonly waiting: Waiting[] = [];

  /** @param bytesMax of all; a part that is larger has its turn alone */
  constructor(private readonly bytesMax: number) {}

  /** Resolves when so many bytes may be held, until {@link end}. @throws the signal's reason; then they are not held */
  async begin(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const turn = Promise.withResolvers<void>();
    const entry = { bytes, begin: turn.resolve };
    const stop = () => {
      const index = this.waiting.indexOf(entry);
      if (index < 0) return; // its turn has come
      this.waiting.splice(index, 1);
      turn.reject(signal.reason as Error);
      this.next();
    };
    signal.addEventListener('abort', stop, { once: true });
    this.waiting.push(entry);
    this.next();
    try {
      await turn.promise;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  end(bytes: number): void {
    this.held -= bytes;
    this.next();
  }

  private next(): void {
    for (let first = this.waiting[0]; first !== undefined; first = this.waiting[0]) {
      if (this.held > 0 && this.held + first.bytes > this.bytesMax) return;
      this.waiting.shift();
      this.held += first.bytes;
      first.begin();
    }
  }
}
