/** A decoded picture; `close` frees its memory. ImageBitmap is one. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  close(): void;
}

interface FrameLoaderOptions<P extends Picture> {
  fetchPicture: (url: string, signal: AbortSignal) => Promise<P>;
  /** Memory for decoded pictures, four bytes a pixel. */
  bytesMax: number;
  /** Requests at once; a browser has six connections to a server, and others need some. */
  parallel: number;
  /** Something was loaded or failed. */
  onChange: () => void;
}

/**
 * Loads pictures in the order they are wanted and keeps the recent ones. What is wanted changes with every turn of the
 * wheel: requests under way are let run (they are nearly done and likely passed by again), those waiting are dropped.
 */
export class FrameLoader<P extends Picture> {
  private readonly pictures = new Map<string, P>();
  private readonly errors = new Map<string, Error>();
  private readonly running = new Map<string, AbortController>();
  private wanted: string[] = [];
  private bytes = 0;
  private isClosed = false;

  constructor(private readonly options: FrameLoaderOptions<P>) {}

  /** Sets what is wanted, most urgent first; replaces what was wanted before. Earlier failures among it are tried again only through {@link retry}. */
  want(urls: string[]): void {
    this.wanted = urls;
    this.startNext();
  }

  /** The picture, if it is here; asking makes it recent. */
  get(url: string): P | undefined {
    const picture = this.pictures.get(url);
    if (picture) {
      this.pictures.delete(url);
      this.pictures.set(url, picture);
    }
    return picture;
  }

  has(url: string): boolean {
    return this.pictures.has(url);
  }

  errorOf(url: string): Error | undefined {
    return this.errors.get(url);
  }

  retry(url: string): void {
    this.errors.delete(url);
    this.startNext();
  }

  close(): void {
    this.isClosed = true;
    this.wanted = [];
    for (const abort of this.running.values()) abort.abort();
    for (const picture of this.pictures.values()) picture.close();
    this.pictures.clear();
  }

  private startNext(): void {
    for (const url of this.wanted) {
      if (this.running.size >= this.options.parallel) return;
      if (!this.pictures.has(url) && !this.errors.has(url) && !this.running.has(url)) this.start(url);
    }
  }

  private start(url: string): void {
    const abort = new AbortController();
    this.running.set(url, abort);
    this.options
      .fetchPicture(url, abort.signal)
      .then(
        (picture) => (this.isClosed ? picture.close() : this.keep(url, picture)),
        (cause: unknown) => {
          this.errors.set(url, cause instanceof Error ? cause : new Error(String(cause)));
        },
      )
      .finally(() => {
        this.running.delete(url);
        if (this.isClosed) return;
        this.startNext();
        this.options.onChange();
      });
  }

  private keep(url: string, picture: P): void {
    this.pictures.set(url, picture);
    this.bytes += sizeOf(picture);
    for (const [oldest, old] of this.pictures) {
      if (this.bytes <= this.options.bytesMax || this.pictures.size === 1) return;
      if (oldest === url || oldest === this.wanted[0]) continue;
      this.pictures.delete(oldest);
      this.bytes -= sizeOf(old);
      old.close();
    }
  }
}

function sizeOf(picture: Picture): number {
  return picture.width * picture.height * 4;
}
