import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ArchiveError, refuseGone } from '#libs/archive';
import { DataSource } from '#libs/database';
import {
  bulkDataForRendering,
  type BulkData,
  commonWindow,
  describeFrame,
  ImageError,
  ImageService,
  type PictureFormat,
} from '#libs/images';
import { HttpProblem } from '#libs/server';
import type { Rendering } from '../../wire/parse-rendering.js';
import { ReadBulkData } from '../bulkdata/read-bulk-data.js';
import { ReadFrames } from '../frames/read-frames.js';
import { SingleFlightCache } from '../single-flight-cache.js';
import { inOrder } from '../transcoding/in-order.js';
import { findPictured, findRepresentatives, type PictureTarget } from './find-representatives.js';
import { loadPictureInstance, type PictureInstance } from './load-picture-instance.js';
import { pictureProblem } from './picture-error.js';
import { needsSmallerLevel, type PicturePlan, planPicture } from './plan-picture.js';
import { findSlideLevels, smallestPicture } from './slide-levels.js';

export interface PictureRequest extends Rendering {
  target: PictureTarget;
  /** Counting from 1; of an instance only. */
  frameNumber?: number;
  format: PictureFormat;
  isThumbnail: boolean;
  /** Of the target, when that is an instance and its row has been read: hexadecimal. */
  sha256?: string;
}

/** A picture that can be made, and how to tell whether a client has it already. */
export interface Picture {
  /** Quotes included. The same instance shown in the same way has the same tag. */
  etag: string;
  bytes: () => Promise<Buffer>;
}

/** Raised when pictures of the same request change: what clients and caches hold is then out of date. */
const renderingVersion = 2;
const cacheBytesMax = 64 * 1024 * 1024;
/** Requests whose pictures are known. */
const keysMax = 10_000;
const thumbnailPixels = 256;
/** Pictures of instances in one answer. */
const picturesMax = 1000;
/** Of an animation, unless a viewport says otherwise. */
const animationPixels = 512;
/** Frames of one animation drawn at a time; other pictures come in between. */
const animatedAtOnce = 2;

/** Makes pictures of instances, series and studies; equal requests at a time are one, and recent pictures are kept. */
@Injectable()
export class RenderPicture {
  private readonly cache = new SingleFlightCache<Buffer>(cacheBytesMax, (picture) => picture.length);
  /** Of requests for an instance: by its digest and how it is to be shown, the key of its picture in the cache. */
  private readonly keys = new Map<string, string>();

  constructor(
    private readonly db: DataSource,
    private readonly images: ImageService,
    private readonly frames: ReadFrames,
    private readonly bulkData: ReadBulkData,
  ) {}

  /**
   * Finds what shows the target: for a series or study, the first of its representatives that can be rendered.
   * @param use what the caller does with a picture, e.g. get its bytes; when it throws an ImageError the next one is tried
   * @throws HttpProblem 404 when there is nothing to show, 406 when it cannot be shown
   */
  async render<Result>(request: PictureRequest, use: (picture: Picture) => Promise<Result>): Promise<Result> {
    const recent = this.recall(request);
    if (recent !== undefined) return use(recent);
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = request.target;
    const candidates =
      seriesInstanceUid !== undefined && sopInstanceUid !== undefined
        ? [{ seriesInstanceUid, sopInstanceUid }]
        : await findRepresentatives(this.db, request.target);
    let firstError: ImageError | undefined;
    for (const candidate of candidates) {
      const instance = await loadPictureInstance(this.db, { studyInstanceUid, ...candidate });
      if (instance === undefined) continue;
      try {
        return await use(await this.pictureOf(instance, request));
      } catch (error) {
        const reason = isUnreadable(error)
          ? new ImageError('unsupported-pixels', error.message, { cause: error })
          : error;
        if (!(reason instanceof ImageError)) throw error;
        // Only the instance's own faults are mended by taking another one.
        if (pictureProblem(reason).getStatus() !== 406) throw pictureProblem(reason);
        firstError ??= reason;
      }
    }
    if (firstError !== undefined) {
      // Who asks for a thumbnail of what has no picture is told that there is none; clients then draw an icon.
      if (request.isThumbnail) {
        throw new HttpProblem(404, 'Not Found', `There is no thumbnail. ${firstError.message}`);
      }
      throw pictureProblem(firstError);
    }
    await refuseGone(this.db, request.target);
    throw new HttpProblem(404, 'Not Found', nothingToShow(request.target));
  }

  /**
   * The same request for each instance of a series or study that may have a picture.
   * @throws HttpProblem 404 when there is none, 413 when there are too many for one answer
   */
  async requestsForAll(request: PictureRequest): Promise<PictureRequest[]> {
    const { studyInstanceUid } = request.target;
    const found = await findPictured(this.db, request.target, picturesMax + 1);
    if (found.length === 0) throw new HttpProblem(404, 'Not Found', nothingToShow(request.target));
    if (found.length > picturesMax) {
      throw new HttpProblem(
        413,
        'Content Too Large',
        `There are more than ${picturesMax} instances, and one answer has a picture of at most as many: ask for them by series or instance.`,
      );
    }
    return found.map((instance) => ({ ...request, target: { studyInstanceUid, ...instance } }));
  }

  /** A picture that was made lately, without reading what it was made of: the same bytes shown in the same way. */
  private recall(request: PictureRequest): Picture | undefined {
    if (request.sha256 === undefined) return undefined;
    const key = this.keys.get(requestKey(request, request.sha256));
    const picture = key === undefined ? undefined : this.cache.find(key);
    if (key === undefined || picture === undefined) return undefined;
    return { etag: etagOf(key), bytes: async () => picture };
  }

  private remember(request: PictureRequest, sha256: string, key: string): void {
    this.keys.set(requestKey(request, sha256), key);
    const [oldest] = this.keys.keys();
    if (this.keys.size > keysMax) this.keys.delete(oldest!);
  }

  private async pictureOf(asked: PictureInstance, request: PictureRequest): Promise<Picture> {
    const hasLevels = request.frameNumber === undefined && needsSmallerLevel(asked, request.isThumbnail);
    const instance = hasLevels ? await this.smallerLevelOf(asked) : asked;
    const isAnimated = request.format === 'gif' && !request.isThumbnail && request.target.sopInstanceUid !== undefined;
    const plan = planPicture(instance, request.frameNumber, isAnimated);
    const { format, window, quality } = request;
    const viewport = viewportOf(request);
    const key = JSON.stringify([
      renderingVersion,
      instance.sha256,
      plan.kind,
      'frameIndex' in plan && plan.frameIndex,
      'frameIndexes' in plan && plan.frameIndexes.length,
      format,
      window,
      viewport,
      quality,
    ]);
    // Which level stands for a slide depends on what else is there.
    if (!hasLevels && request.target.sopInstanceUid !== undefined) this.remember(request, instance.sha256, key);
    const options = {
      format,
      ...(window && { window }),
      ...(viewport && { viewport }),
      ...(quality !== undefined && { quality }),
    };
    return {
      etag: etagOf(key),
      bytes: () => this.cache.get(key, () => this.draw(instance, plan, options)),
    };
  }

  /** Slides are pyramids of the same picture: the level whose size fits stands for those too large to lay together. */
  private async smallerLevelOf(instance: PictureInstance): Promise<PictureInstance> {
    const { studyInstanceUid, seriesInstanceUid } = instance;
    const smallest = smallestPicture(await findSlideLevels(this.db, studyInstanceUid, seriesInstanceUid));
    if (smallest === undefined || smallest.sopInstanceUid === instance.sopInstanceUid) return instance;
    const { sopInstanceUid } = smallest;
    return (await loadPictureInstance(this.db, { studyInstanceUid, seriesInstanceUid, sopInstanceUid })) ?? instance;
  }

  private async draw(instance: PictureInstance, plan: PicturePlan, options: DrawOptions): Promise<Buffer> {
    const { dataset, transferSyntaxUid } = instance;
    const bulkData = await this.bulkDataOf(instance);
    switch (plan.kind) {
      case 'waveform':
        return this.images.renderWaveform(dataset, options, bulkData);
      case 'frame': {
        const description = describeFrame(dataset, transferSyntaxUid, plan.frameIndex, bulkData);
        const [bytes] = await this.frames.read(instance, [plan.frameIndex]);
        return this.images.renderFrame(bytes!, description, options);
      }
      case 'animation':
        return this.animate(instance, plan, options, bulkData);
      case 'tiles': {
        const { tiles, totalColumns, totalRows } = plan.level;
        const bytes = await this.frames.read(
          instance,
          tiles.map(({ frameIndex }) => frameIndex),
        );
        const described = tiles.map(({ frameIndex, columnOffset, rowOffset }, at) => {
          const description = describeFrame(dataset, transferSyntaxUid, frameIndex, bulkData);
          return { bytes: bytes[at]!, description, columnOffset, rowOffset };
        });
        return this.images.renderTiledLevel(described, totalColumns, totalRows, options);
      }
    }
  }

  /** Each frame is drawn on its own, so that no more than a few compressed ones are held. */
  private async animate(
    instance: PictureInstance,
    { frameIndexes, delayMilliseconds }: PicturePlan & { kind: 'animation' },
    options: DrawOptions,
    bulkData: BulkData,
  ): Promise<Buffer> {
    const { dataset, transferSyntaxUid } = instance;
    const { images, frames } = this;
    const viewport = options.viewport ?? { width: animationPixels, height: animationPixels };
    // One window for all, or a frame without one of its own would be fitted to its values, and the cine flicker.
    const first = describeFrame(dataset, transferSyntaxUid, 0, bulkData);
    const isFitted = first.windows.length === 0 && first.voiLut === undefined && first.samplesPerPixel === 1;
    const window = options.window ?? (isFitted && !first.palette ? commonWindow(first) : undefined);
    const tasks = async function* () {
      for (const frameIndex of frameIndexes) {
        yield async () => {
          const description = describeFrame(dataset, transferSyntaxUid, frameIndex, bulkData);
          const [bytes] = await frames.read(instance, [frameIndex]);
          return images.renderFrame(bytes!, description, { format: 'png', viewport, ...(window && { window }) });
        };
      }
    };
    const pictures: Buffer[] = [];
    for await (const picture of inOrder(tasks(), animatedAtOnce)) pictures.push(picture);
    return this.images.animate(pictures, delayMilliseconds);
  }

  private async bulkDataOf(instance: PictureInstance): Promise<BulkData> {
    const found = new Map<string, Uint8Array>();
    for (const { uri, tagPath } of bulkDataForRendering(instance.dataset)) {
      found.set(uri, await this.bulkData.read(instance, tagPath));
    }
    return found;
  }
}

const etagOf = (key: string) => `"r-${createHash('sha256').update(key).digest('base64url').slice(0, 27)}"`;

/** What decides a picture of an instance, with the digest of its bytes. */
function requestKey(request: PictureRequest, sha256: string): string {
  const { frameNumber, format, isThumbnail, window, viewport, quality } = request;
  return JSON.stringify([sha256, frameNumber, format, isThumbnail, window, viewport, quality]);
}

function isUnreadable(error: unknown): error is ArchiveError {
  return error instanceof ArchiveError && error.code === 'frames-not-readable';
}

type DrawOptions = Parameters<ImageService['renderFrame']>[2];

function viewportOf({ viewport, isThumbnail }: PictureRequest): DrawOptions['viewport'] | undefined {
  if (viewport === undefined) return isThumbnail ? { width: thumbnailPixels, height: thumbnailPixels } : undefined;
  const { width, height, source } = viewport;
  if (source === undefined) return { width, height };
  // A source without an end goes to the image's edge: what lies beyond it is left out.
  const all = 1_000_000;
  return {
    width,
    height,
    source: { x: source.x, y: source.y, width: source.width ?? all, height: source.height ?? all },
  };
}

function nothingToShow({ seriesInstanceUid, sopInstanceUid }: PictureTarget): string {
  if (sopInstanceUid !== undefined) return 'This archive has no such instance.';
  const what = seriesInstanceUid === undefined ? 'study' : 'series';
  return `This archive has no such ${what}, or the ${what} has no image.`;
}
