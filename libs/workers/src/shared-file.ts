import {
  close,
  constants,
  fstatSync,
  ftruncate,
  openSync,
  read,
  readSync,
  unlinkSync,
  write,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';

const readAsync = promisify(read);
const writeAsync = promisify(write);
const truncateAsync = promisify(ftruncate);

/** A folder whose files are memory. */
const memoryFolder = '/dev/shm';
/** Up to so many bytes are copied at once: as long as it takes to hand them to a thread. */
const atOnceBytesMax = 2 ** 20;
/** What the file holds on to between requests. */
const keptBytesMax = 8 * 2 ** 20;

let count = 0;

/**
 * Memory that this process and one child have both open, as a file without a name: the arrays of a request, and then
 * those of its answer, lie in it end to end. Each is copied in once and out once, in pieces as large as they come; over
 * Node's channel it would be five copies, 64 KiB at a time.
 *
 * One side writes while the other waits for its message. What a process did that died in the middle is never read.
 */
export class SharedFile {
  private bytesMost = 0;
  private underWay: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly descriptor: number,
    private readonly folder: string | undefined,
  ) {}

  /** @returns undefined where there is no such memory; the channel does without */
  static create(folder = memoryFolder): SharedFile | undefined {
    const name = `${folder}/isocenter-${process.pid}-${Date.now()}-${(count += 1)}`;
    try {
      const descriptor = openSync(name, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
      unlinkSync(name);
      return new SharedFile(descriptor, folder);
    } catch {
      return undefined;
    }
  }

  /** The one that was inherited under this descriptor. */
  static inherited(descriptor: number): SharedFile {
    return new SharedFile(descriptor, undefined);
  }

  /** Puts arrays end to end. @returns whether there was room */
  async put(arrays: readonly Uint8Array[]): Promise<boolean> {
    const bytes = arrays.reduce((sum, { length }) => sum + length, 0);
    this.bytesMost = Math.max(this.bytesMost, bytes);
    try {
      if (this.isShort(bytes)) this.putAtOnce(arrays);
      else await this.during(this.putInTurn(arrays));
      return true;
    } catch {
      // Full, as it soon is where containers have 64 MiB of it.
      return false;
    }
  }

  /** {@link put} without letting anybody else work. */
  putSync(arrays: readonly Uint8Array[]): boolean {
    try {
      this.putAtOnce(arrays);
      return true;
    } catch {
      return false;
    }
  }

  /** Arrays of these lengths, each in memory of its own. @throws Error when there is less in the file */
  async take(lengths: readonly number[]): Promise<ArrayBuffer[]> {
    const bytes = lengths.reduce((sum, length) => sum + length, 0);
    this.checkSize(bytes);
    this.bytesMost = Math.max(this.bytesMost, bytes);
    if (this.isShort(bytes)) return this.takeSync(lengths);
    return this.during(this.takeInTurn(lengths));
  }

  takeSync(lengths: readonly number[]): ArrayBuffer[] {
    let position = 0;
    return lengths.map((length) => {
      const array = Buffer.allocUnsafeSlow(length);
      for (let at = 0; at < length;) at += filled(readSync(this.descriptor, array, at, length - at, position + at));
      position += length;
      return array.buffer;
    });
  }

  /** Gives the memory back that a large request took. */
  async shrink(): Promise<void> {
    if (this.bytesMost <= keptBytesMax) return;
    this.bytesMost = 0;
    await this.during(truncateAsync(this.descriptor, 0)).catch(() => undefined);
  }

  /** Once nothing reads or writes it any more: another file may have the descriptor's number right after. */
  close(): void {
    if (this.folder === undefined) return;
    void this.underWay.finally(() => close(this.descriptor, () => undefined));
  }

  private isShort(bytes: number): boolean {
    return bytes <= atOnceBytesMax;
  }

  /** What a child says of its answer may be a lie, and memory for it is not to be had for the asking. */
  private checkSize(bytes: number): void {
    if (!(bytes <= fstatSync(this.descriptor).size)) throw new Error(`There are no ${bytes} bytes in the shared file.`);
  }

  private during<T>(work: Promise<T>): Promise<T> {
    this.underWay = work.catch(() => undefined);
    return work;
  }

  private putAtOnce(arrays: readonly Uint8Array[]): void {
    let position = 0;
    for (const array of arrays) {
      for (let at = 0; at < array.length;) {
        at += filled(writeSync(this.descriptor, array, at, array.length - at, position + at));
      }
      position += array.length;
    }
  }

  private async putInTurn(arrays: readonly Uint8Array[]): Promise<void> {
    let position = 0;
    for (const array of arrays) {
      for (let at = 0; at < array.length;) {
        const { bytesWritten } = await writeAsync(this.descriptor, array, at, array.length - at, position + at);
        at += filled(bytesWritten);
      }
      position += array.length;
    }
  }

  private async takeInTurn(lengths: readonly number[]): Promise<ArrayBuffer[]> {
    const arrays: ArrayBuffer[] = [];
    let position = 0;
    for (const length of lengths) {
      const array = Buffer.allocUnsafeSlow(length);
      for (let at = 0; at < length;) {
        const { bytesRead } = await readAsync(this.descriptor, array, at, length - at, position + at);
        at += filled(bytesRead);
      }
      position += length;
      arrays.push(array.buffer);
    }
    return arrays;
  }
}

/** @throws Error instead of trying again and again */
function filled(bytes: number): number {
  if (bytes === 0) throw new Error('The shared file ends too early.');
  return bytes;
}
