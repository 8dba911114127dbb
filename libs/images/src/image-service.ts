import type { DicomJson } from '#libs/dicom';
import { WorkerError, WorkerPool } from '#libs/workers';
import type { AnimationFormat } from './animate.js';
import type { BulkData } from './bulk-data.js';
import type { FrameDescription } from './frame-description.js';
import { isPlain } from './plain-frame.js';
import { ImageError, imageErrorCodes, type ImageErrorCode } from './image-error.js';
import type { ImageRequest, ImageResponse, TranscodedFrame } from './image-request.js';
import type { Pixels } from './pixels.js';
import { Turnstile } from './turnstile.js';
import type { DocumentOptions, RenderOptions, WaveformOptions } from './render-options.js';
import { renderPlainFrame } from './render-frame.js';
import type { Tile, TiledLevelOptions } from './render-tiled-level.js';

/** Pictures of plain frames made at a time: libuv has four threads, and files are read by them, too. */
const plainAtOnce = 3;

export interface ImageServiceOptions {
  /** Processes that decode; 2 when absent. */
  workers?: number;
  /** For one picture; 10 seconds when absent. A frame that is encoded has six times as long. */
  timeoutMilliseconds?: number;
  /** Of one process; 3 GiB when absent: a decoded frame may have 512 MiB, and is held a few times over. */
  memoryBytesMax?: number;
  /** Pictures that may wait; 256 when absent. */
  queueLengthMax?: number;
}

/**
 * Decoding and rendering off the event loop, in processes that may crash, hang or swell without harm to others: what
 * servers call. Each method does what the function of its name does, and throws the same ImageError; or timed-out,
 * out-of-memory, crashed, overloaded, closed.
 */
export class ImageService {
  private readonly pool: WorkerPool<ImageRequest, ImageResponse<ImageRequest['kind']>>;

  private readonly transcodeMilliseconds: number;

  private readonly plain: Turnstile;

  constructor(options: ImageServiceOptions = {}) {
    const queueLengthMax = options.queueLengthMax ?? 256;
    this.plain = new Turnstile(plainAtOnce, queueLengthMax);
    const timeoutMilliseconds = options.timeoutMilliseconds ?? 10_000;
    this.transcodeMilliseconds = 6 * timeoutMilliseconds;
    this.pool = new WorkerPool({
      module: new URL('./decode-worker.js', import.meta.url),
      name: 'images',
      size: options.workers ?? 2,
      timeoutMilliseconds,
      memoryBytesMax: options.memoryBytesMax ?? 3 * 2 ** 30,
      queueLengthMax,
      // Frames and pictures are megabytes.
      sharesMemory: true,
      // A process that has decoded something holds 100 MB and more.
      idleMillisecondsMax: 60_000,
      // WebAssembly memory grows with the largest frame and never shrinks.
      jobsPerProcessMax: 2000,
    });
  }

  decodeFrame(bytes: Uint8Array, description: FrameDescription): Promise<Pixels> {
    return this.ask({ kind: 'decode-frame', bytes, description });
  }

  transcodeFrame(
    bytes: Uint8Array,
    description: FrameDescription,
    transferSyntaxUid: string,
    isApart = false,
  ): Promise<TranscodedFrame> {
    // A mammogram of 20 million pixels takes 14 seconds to become JPEG 2000 and back on a slow core.
    const request = { kind: 'transcode-frame', bytes, description, transferSyntaxUid, isApart } as const;
    return this.ask(request, this.transcodeMilliseconds);
  }

  /** Plain frames are shown in this process (see isPlain), a few at a time; whatever has to be decoded is not. */
  renderFrame(bytes: Uint8Array, description: FrameDescription, options: RenderOptions): Promise<Buffer> {
    if (!isPlain(bytes, description, options)) return this.ask({ kind: 'render-frame', bytes, description, options });
    return this.plain.run(() => renderPlainFrame(bytes, description, options));
  }

  renderTiledLevel(
    tiles: Tile[],
    totalColumns: number,
    totalRows: number,
    options: TiledLevelOptions,
  ): Promise<Buffer> {
    return this.ask({ kind: 'render-tiled-level', tiles, totalColumns, totalRows, options });
  }

  animate(
    pictures: Uint8Array[],
    delayMilliseconds: number,
    format: AnimationFormat = 'gif',
    quality = 90,
  ): Promise<Buffer> {
    return this.ask({ kind: 'animate', pictures, delayMilliseconds, format, quality });
  }

  renderWaveform(dataset: DicomJson, options: WaveformOptions, bulkData?: BulkData): Promise<Buffer> {
    // Of the dataset only this is drawn; the rest need not be copied to another process.
    const waveform = dataset['54000100'];
    return this.ask({ kind: 'render-waveform', dataset: waveform ? { '54000100': waveform } : {}, options, bulkData });
  }

  /** A PDF's first page. */
  renderDocument(bytes: Uint8Array, options: DocumentOptions): Promise<Buffer> {
    const { format, viewport, quality } = options;
    const asked = { format, ...(viewport && { viewport }), ...(quality !== undefined && { quality }) };
    return this.ask({ kind: 'render-document', bytes, options: asked });
  }

  /** Ends the processes. Pictures that are not finished fail as closed. */
  close(): Promise<void> {
    this.plain.close();
    return this.pool.close();
  }

  private async ask<Request extends ImageRequest>(
    request: Request,
    timeoutMilliseconds?: number,
  ): Promise<ImageResponse<Request['kind']>> {
    try {
      return (await this.pool.run(request, { timeoutMilliseconds })) as ImageResponse<Request['kind']>;
    } catch (error) {
      throw error instanceof WorkerError ? toImageError(error) : error;
    }
  }
}

function toImageError(error: WorkerError): ImageError {
  if (error.code !== 'failed') return new ImageError(error.code, error.message, { cause: error });
  // An error that is not an ImageError is a fault of ours; the request dies of it, as of a crash.
  const isOurs = (imageErrorCodes as readonly string[]).includes(error.remoteCode ?? '');
  return new ImageError(isOurs ? (error.remoteCode as ImageErrorCode) : 'crashed', error.message, { cause: error });
}
