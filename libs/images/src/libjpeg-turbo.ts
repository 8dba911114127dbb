import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import type Koffi from 'koffi';
import { giveBack } from '#libs/workers';
import { copyOf } from './sample-array.js';

/** Of TurboJPEG (turbojpeg.h): enum TJINIT, TJPARAM, TJPF and TJSAMP. */
const forCompression = 0;
const forDecompression = 1;
const stopOnWarning = 0;
const noReallocation = 2;
const qualityParameter = 3;
const subsampling = 4;
const widthParameter = 5;
const heightParameter = 6;
const formatOf = { 1: 6, 3: 0 } as const;
const samplingOf = { 1: 3, 3: 0 } as const;

/** Pictures of so many samples are encoded where they are, in a tenth of a millisecond; larger ones on another thread. */
const samplesAtOnceMax = 2 ** 16;

export interface JpegPicture {
  /** Grey, or R G B of each pixel. */
  data: Uint8Array;
  width: number;
  height: number;
  channels: 1 | 3;
}

/**
 * libjpeg-turbo itself, called without anything in between: the same pixels and files as its programs djpeg and cjpeg,
 * in the time they take.
 */
export class LibjpegTurbo {
  private readonly init;
  private readonly set;
  private readonly get;
  private readonly readHeader;
  private readonly decompress;
  private readonly compress;
  private readonly compressApart;
  private readonly bufferSize;
  private readonly destroy;
  private readonly kept = new Set<Uint8Array[]>();

  private constructor(library: ReturnType<typeof Koffi.load>) {
    this.init = library.func('void *tj3Init(int type)');
    this.set = library.func('int tj3Set(void *handle, int parameter, int value)');
    this.get = library.func('int tj3Get(void *handle, int parameter)');
    this.readHeader = library.func('int tj3DecompressHeader(void *handle, const uint8_t *bytes, size_t length)');
    this.decompress = library.func(
      'int tj3Decompress8(void *handle, const uint8_t *bytes, size_t length, uint8_t *samples, int pitch, int format)',
    );
    this.compress = library.func(
      'int tj3Compress8(void *handle, const uint8_t *samples, int width, int pitch, int height, int format, ' +
        '_Inout_ void **bytes, _Inout_ size_t *length)',
    );
    this.compressApart = promisify(this.compress.async) as (...parameters: unknown[]) => Promise<number>;
    this.bufferSize = library.func('size_t tj3JPEGBufSize(int width, int height, int subsampling)');
    this.destroy = library.func('void tj3Destroy(void *handle)');
  }

  /**
   * The library comes with a package that binds it for Node, but only with the fast transform, which is up to 42 levels
   * off: so it is called past that package.
   *
   * @throws Error where there is none for the machine
   */
  static load(machine = `${process.platform}-${process.arch}`): LibjpegTurbo {
    const require = createRequire(import.meta.url);
    const koffi = require('koffi') as typeof Koffi;
    const folder = path.join(path.dirname(require.resolve('@julusian/jpeg-turbo')), 'prebuilds');
    const errors: string[] = [];
    // Of glibc and of musl: each loads only where it belongs.
    for (const name of [machine, `${machine}-musl`]) {
      try {
        return new LibjpegTurbo(koffi.load(path.join(folder, `jpeg-turbo-${name}`, 'libturbojpeg.so.0')));
      } catch (error) {
        errors.push((error as Error).message);
      }
    }
    throw new Error(`No libturbojpeg of ${machine} can be loaded: ${errors.join('; ')}`);
  }

  /**
   * Decodes lossy JPEG of 8 bits, with the accurate transform and smooth chroma. YCbCr becomes RGB on the way.
   *
   * @returns undefined for a frame of another size, or of which libjpeg-turbo has anything to say
   */
  decode(bytes: Uint8Array, size: { rows: number; columns: number; components: 1 | 3 }): Uint8Array | undefined {
    const { rows, columns, components } = size;
    // A new one each time: it would know the tables of the last frame, and take them for those that this one lacks.
    const handle: unknown = this.init(forDecompression);
    if (handle === null) return undefined;
    try {
      this.set(handle, stopOnWarning, 1);
      if (this.readHeader(handle, bytes, bytes.length) !== 0) return undefined;
      // As many pixels are written as it finds here, whatever others read in the header.
      const isAsSaid = this.get(handle, widthParameter) === columns && this.get(handle, heightParameter) === rows;
      if (!isAsSaid) return undefined;
      const pitch = columns * components;
      const samples = new Uint8Array(rows * pitch);
      const result = this.decompress(handle, bytes, bytes.length, samples, pitch, formatOf[components]);
      return result === 0 ? samples : undefined;
    } finally {
      this.destroy(handle);
    }
  }

  /**
   * Encodes a picture as baseline JPEG with the accurate transform, every pixel with its own colour, and the Huffman
   * tables of the standard. Lets others work during a large one; nothing may change the picture meanwhile.
   *
   * @param quality 1 to 100
   * @returns undefined for what libjpeg-turbo does not encode: pictures of more than 65,500 pixels a side
   */
  async encode({ data, width, height, channels }: JpegPicture, quality: number): Promise<Buffer | undefined> {
    const pitch = width * channels;
    if (data.length < height * pitch)
      throw new RangeError(`${data.length} samples are not a picture of ${pitch} x ${height}.`);
    const handle: unknown = this.init(forCompression);
    if (handle === null) return undefined;
    try {
      this.set(handle, noReallocation, 1);
      this.set(handle, qualityParameter, quality);
      this.set(handle, subsampling, samplingOf[channels]);
      // As long as a file of that size can be; not cleared, for only what is written of it is read.
      const bytes = Buffer.allocUnsafeSlow(Number(this.bufferSize(width, height, samplingOf[channels])));
      const length = [bytes.length];
      const call = [handle, data, width, pitch, height, formatOf[channels], [bytes], length];
      const isSmall = height * pitch <= samplesAtOnceMax;
      const result: unknown = isSmall ? this.compress(...call) : await this.keeping([data, bytes], call);
      const encoded = result === 0 ? Buffer.from(copyOf(bytes.subarray(0, Number(length[0])))) : undefined;
      giveBack(bytes);
      return encoded;
    } finally {
      this.destroy(handle);
    }
  }

  /** Compresses on another thread, which keeps nothing from the garbage collector: we do. */
  private async keeping(memory: Uint8Array[], call: unknown[]): Promise<number> {
    this.kept.add(memory);
    try {
      return await this.compressApart(...call);
    } finally {
      this.kept.delete(memory);
    }
  }
}

let loaded: LibjpegTurbo | Error | undefined;

/** Loaded when it is first asked for. @returns why there is none, for others to do its work */
export function libjpegTurbo(): LibjpegTurbo | Error {
  if (loaded === undefined) {
    try {
      loaded = LibjpegTurbo.load();
    } catch (error) {
      loaded = error as Error;
    }
  }
  return loaded;
}
