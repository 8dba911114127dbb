import { close, constants, fstat, open, read } from 'node:fs';

/** Files kept open; more may be while they are read. */
const filesMax = 64;
/** Unused for this long, a file is closed: what was deleted elsewhere gives its space back. */
const idleMilliseconds = 2_000;

interface OpenFile {
  file: string;
  fd: Promise<number>;
  readers: number;
  usedAt: number;
}

/**
 * Files that are read again and again, kept open: opening, asking for the size and closing each cost as much as reading
 * a frame. Uses Node's plain descriptors, whose reads are a third cheaper than a FileHandle's.
 */
export class OpenFiles {
  private readonly open = new Map<string, OpenFile>();
  private timer: NodeJS.Timeout | undefined;

  /**
   * Fills `target` with what is at `offset`.
   * @returns undefined, or the file's size where it ends before
   * @throws NodeJS.ErrnoException, ENOENT among them
   */
  async read(file: string, offset: number, target: Uint8Array): Promise<number | undefined> {
    const entry = this.take(file);
    try {
      const fd = await entry.fd;
      for (let done = 0; done < target.length;) {
        const bytes = await readOnce(fd, target, done, offset + done);
        if (bytes === 0) return await sizeOf(fd);
        done += bytes;
      }
      return undefined;
    } finally {
      entry.readers -= 1;
      entry.usedAt = Date.now();
      if (this.open.get(file) !== entry) this.close(entry);
    }
  }

  /** Lets go of a file that is being deleted; who reads it reads on. */
  forget(file: string): void {
    const entry = this.open.get(file);
    if (entry !== undefined) this.drop(entry);
  }

  private take(file: string): OpenFile {
    let entry = this.open.get(file);
    if (entry === undefined) {
      entry = { file, fd: openFile(file), readers: 0, usedAt: Date.now() };
      const opened = entry;
      entry.fd.catch(() => this.open.get(file) === opened && this.open.delete(file));
    } else this.open.delete(file);
    entry.readers += 1;
    this.open.set(file, entry);
    const [oldest] = this.open.values();
    if (this.open.size > filesMax && oldest !== entry) this.drop(oldest!);
    this.timer ??= setInterval(() => this.closeIdle(), idleMilliseconds / 2).unref();
    return entry;
  }

  private closeIdle(): void {
    const before = Date.now() - idleMilliseconds;
    for (const entry of this.open.values()) if (entry.readers === 0 && entry.usedAt < before) this.drop(entry);
    if (this.open.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private drop(entry: OpenFile): void {
    this.open.delete(entry.file);
    this.close(entry);
  }

  /** The last reader closes what is no longer kept. */
  private close(entry: OpenFile): void {
    if (entry.readers > 0) return;
    entry.fd.then(
      (fd) => close(fd, () => undefined),
      () => undefined,
    );
  }
}

function openFile(file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(file, constants.O_RDONLY | constants.O_NOFOLLOW, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}

function readOnce(fd: number, target: Uint8Array, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, target, at, target.length - at, position, (error, bytes) => (error ? reject(error) : resolve(bytes)));
  });
}

function sizeOf(fd: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fstat(fd, (error, { size }) => (error ? reject(error) : resolve(size)));
  });
}
