import { createHash } from 'node:crypto';
import { mkdir, open, readdir, stat, unlink } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { LOGGER, type Logger } from '#libs/telemetry';

const headerBytes = 8;
const sweepMilliseconds = 600_000;
/** Filled to its limit, so much of the store is kept. */
const keptShare = 0.8;

/**
 * Pictures that were made, as files, by what they were made of: they outlast a restart, and the processes of a server
 * share them. Losing any of them costs making it again, so nothing here is flushed, and no failure is anybody's but the
 * log's.
 *
 * Nothing stays longer than deleted instances can be brought back: no picture outlives the last trace of what it shows.
 */
@Injectable()
export class PictureStore implements OnModuleInit, OnModuleDestroy {
  private readonly folder: string;
  private readonly bytesMax: number;
  private readonly ageMillisecondsMax: number;
  private timer: NodeJS.Timeout | undefined;
  /** Written since the last look at all files. */
  private bytesWritten = 0;
  private bytesThen = 0;
  private sweeping: Promise<void> | undefined;
  private hasComplained = false;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.folder = path.join(config.dataDir, 'cache', 'pictures');
    this.bytesMax = config.limits.pictureStoreBytesMax;
    this.ageMillisecondsMax = config.graceHours * 3_600_000;
  }

  onModuleInit(): void {
    this.timer = setInterval(() => void this.sweep(), sweepMilliseconds);
    this.timer.unref();
    void this.sweep();
  }

  async onModuleDestroy(): Promise<void> {
    clearInterval(this.timer);
    await this.sweeping;
  }

  /** @returns undefined for a picture that is not here, is too old, or was not written to its end */
  async find(key: string): Promise<Buffer | undefined> {
    if (!this.isOn) return undefined;
    try {
      const file = await open(this.fileOf(key), 'r');
      try {
        const { mtimeMs, size } = await file.stat();
        if (Date.now() - mtimeMs > this.ageMillisecondsMax || size > this.bytesMax) return undefined;
        const picture = contentOf(await file.readFile());
        // Out of the way of a whole one.
        if (picture === undefined) await unlink(this.fileOf(key));
        return picture;
      } finally {
        await file.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.complain(error);
      return undefined;
    }
  }

  /** Resolves when it is written, or could not be. */
  async keep(key: string, picture: Buffer): Promise<void> {
    if (!this.isOn || picture.length > this.bytesMax / 100) return;
    const name = this.fileOf(key);
    try {
      await this.write(name, picture).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
        await mkdir(path.dirname(name), { recursive: true });
        await this.write(name, picture);
      });
      this.bytesWritten += picture.length;
      if (this.bytesThen + this.bytesWritten > this.bytesMax) await this.sweep();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') this.complain(error);
    }
  }

  private get isOn(): boolean {
    return this.bytesMax > 0 && this.ageMillisecondsMax > 0;
  }

  private async write(name: string, picture: Buffer): Promise<void> {
    const file = await open(name, 'wx', 0o600);
    try {
      const header = Buffer.alloc(headerBytes);
      header.writeUInt32LE(picture.length, 0);
      header.writeUInt32LE(crc32(picture), 4);
      await file.writev([header, picture]);
    } finally {
      await file.close();
    }
  }

  private fileOf(key: string): string {
    const name = createHash('sha256').update(key).digest('hex');
    return path.join(this.folder, name.slice(0, 2), name);
  }

  /** Removes what is too old, and of the rest the oldest while there is too much. */
  private sweep(): Promise<void> {
    this.sweeping ??= this.sweepOnce()
      .catch((error: unknown) => this.complain(error))
      .finally(() => (this.sweeping = undefined));
    return this.sweeping;
  }

  private async sweepOnce(): Promise<void> {
    const files: { name: string; bytes: number; since: number }[] = [];
    for (const folder of await names(this.folder)) {
      for (const name of await names(path.join(this.folder, folder))) {
        const file = path.join(this.folder, folder, name);
        const found = await stat(file).catch(() => undefined);
        if (found?.isFile()) files.push({ name: file, bytes: found.size, since: found.mtimeMs });
      }
    }
    files.sort((a, b) => b.since - a.since);
    const oldest = Date.now() - this.ageMillisecondsMax;
    const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const bytesMax = !this.isOn ? 0 : total > this.bytesMax ? this.bytesMax * keptShare : this.bytesMax;
    let kept = 0;
    for (const { name, bytes, since } of files) {
      if (since >= oldest && kept + bytes <= bytesMax) kept += bytes;
      else await unlink(name).catch(() => undefined);
    }
    this.bytesThen = kept;
    this.bytesWritten = 0;
  }

  /** Once: a full disk would fill the log, too. */
  private complain(error: unknown): void {
    if (this.hasComplained) return;
    this.hasComplained = true;
    this.logger.warn({ err: error, folder: this.folder }, 'pictures cannot be kept on disk; they are made each time');
  }
}

async function names(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
}

/** undefined for a file that a crash or a full disk cut short. */
function contentOf(file: Buffer): Buffer | undefined {
  if (file.length < headerBytes || file.readUInt32LE(0) !== file.length - headerBytes) return undefined;
  const picture = file.subarray(headerBytes);
  return crc32(picture) === file.readUInt32LE(4) ? picture : undefined;
}
