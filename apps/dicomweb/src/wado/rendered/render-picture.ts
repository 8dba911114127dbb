import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ArchiveError, type InstanceRow, refuseGone } from '#libs/archive';
import { DataSource } from '#libs/database';
import { blendingState, ImageError, type PictureFormat, presentationStateSopClasses } from '#libs/images';
import { HttpProblem } from '#libs/server';
import type { Rendering } from '../../wire/parse-rendering.js';
import { SingleFlightCache } from '../single-flight-cache.js';
import { DrawPicture, type DrawOptions, type DrawRequest, type Presenting } from './draw-picture.js';
import { findSuperimposed, findUnderlying } from './find-blended.js';
import { findPresented } from './find-presented.js';
import { findPictured, findRepresentatives, type PictureTarget } from './find-representatives.js';
import { atFrame, loadPictureInstance, type PictureInstance } from './load-picture-instance.js';
import { pictureProblem } from './picture-error.js';
import { PictureStore } from './picture-store.js';
import { needsSmallerLevel, type PicturePlan, planPicture } from './plan-picture.js';
import { findSlideLevels, smallestPicture } from './slide-levels.js';

export interface PictureRequest extends Rendering {
  target: PictureTarget;
  /** Counting from 1; of an instance only. */
  frameNumber?: number;
  /** `svg` of waveforms alone. */
  format: PictureFormat | 'svg';
  isThumbnail: boolean;
  /** Of the target, when that is an instance and its row has been read. */
  row?: InstanceRow;
  /** The presentation state to show it by; a target that is one itself is shown by itself. */
  presentation?: PresentationTarget;
}

/** A presentation state, wherever it is. */
export type PresentationTarget = Required<PictureTarget>;

/** A picture that can be made, and how to tell whether a client has it already. */
export interface Picture {
  /** Quotes included. The same instance shown in the same way has the same tag. */
  etag: string;
  bytes: () => Promise<Buffer>;
}

/** Raised when pictures of the same request change: what clients and caches hold is then out of date. */
const renderingVersion = 5;
const cacheBytesMax = 64 * 1024 * 1024;
/** Requests whose pictures are known. */
const namesMax = 10_000;
/** Of datasets that are known, as JSON: other frames, windows and sizes of an instance are asked for right after. */
const datasetLengthMax = 2 * 1024 * 1024;
const thumbnailPixels = 256;
/** Pictures of instances in one answer. */
const picturesMax = 1000;

/** A picture as it is remembered. */
interface MadePicture {
  bytes: Buffer;
  /** How often it was asked for. */
  uses: number;
  /** Or on its way there. */
  isOnDisk: boolean;
}

/** Of a picture: in the cache and on disk, and to clients. */
interface PictureNames {
  key: string;
  etag: string;
}

/** Makes pictures of instances, series and studies; equal requests at a time are one, and recent pictures are kept. */
@Injectable()
export class RenderPicture {
  private readonly cache = new SingleFlightCache<MadePicture>(cacheBytesMax, ({ bytes }) => bytes.length);
  /** Of requests for an instance: by its digest and how it is to be shown, the names of its picture. */
  private readonly names = new Map<string, PictureNames>();

  /** By the digest of its bytes, and its UIDs: what {@link loadPictureInstance} read. */
  private readonly instances = new SingleFlightCache<PictureInstance>(
    datasetLengthMax,
    ({ datasetLength }) => datasetLength,
  );

  constructor(
    private readonly db: DataSource,
    private readonly drawPicture: DrawPicture,
    private readonly store: PictureStore,
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
      const frameIndex = (request.frameNumber ?? 1) - 1;
      const instance = await this.load({ studyInstanceUid, ...candidate }, frameIndex, request.row);
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

  /** @param row of the target, where it has been read: it was there just now */
  private async load(
    target: PresentationTarget,
    frameIndex: number,
    row: InstanceRow | undefined,
  ): Promise<PictureInstance | undefined> {
    const keyOf = (sha256: string) => [sha256, ...Object.values(target)].join(' ');
    const known = row && this.instances.find(keyOf(row.sha256.toString('hex')));
    if (row !== undefined && known !== undefined) return { ...atFrame(known, frameIndex), row };
    const loaded = await loadPictureInstance(this.db, target, frameIndex);
    if (loaded === undefined) return undefined;
    this.instances.keep(keyOf(loaded.sha256), loaded);
    // A row that has since become another version's says where other bytes are.
    const isSame = row?.sha256.toString('hex') === loaded.sha256;
    return row !== undefined && isSame ? { ...loaded, row } : loaded;
  }

  /** A picture that was made lately, without reading what it was made of: the same bytes shown in the same way. */
  private recall(request: PictureRequest): Picture | undefined {
    const names = request.row && this.names.get(requestKey(request, request.row.sha256.toString('hex')));
    const picture = names && this.cache.find(names.key);
    if (names === undefined || picture === undefined) return undefined;
    return { etag: names.etag, bytes: async () => this.used(names.key, picture) };
  }

  private remember(request: PictureRequest, sha256: string, names: PictureNames): void {
    this.names.set(requestKey(request, sha256), names);
    const [oldest] = this.names.keys();
    if (this.names.size > namesMax) this.names.delete(oldest!);
  }

  private async pictureOf(asked: PictureInstance, request: PictureRequest): Promise<Picture> {
    if (presentationStateSopClasses.includes(asked.sopClassUid)) return this.pictureByState(asked, request);
    const state = request.presentation && (await this.loadState(request.presentation));
    return this.pictureOfImage(asked, request, state);
  }

  /** What a presentation state is of: the first image of its own that is here, shown by it (PS3.18 10.4.1.1.3). */
  private async pictureByState(state: PictureInstance, request: PictureRequest): Promise<Picture> {
    if (request.frameNumber !== undefined) {
      throw new HttpProblem(404, 'Not Found', 'A presentation state has no frames of its own.');
    }
    const find = state.sopClassUid === blendingState ? findUnderlying : findPresented;
    const image = await find(this.db, state);
    const { frameNumber } = image;
    return this.pictureOfImage(image.instance, { ...request, ...(frameNumber && { frameNumber }) }, state);
  }

  private async loadState(target: PresentationTarget): Promise<PictureInstance> {
    const state = await loadPictureInstance(this.db, target);
    if (state === undefined || !presentationStateSopClasses.includes(state.sopClassUid)) {
      throw new HttpProblem(404, 'Not Found', 'This archive has no such presentation state, or it is of another kind.');
    }
    return state;
  }

  private async pictureOfImage(
    asked: PictureInstance,
    request: PictureRequest,
    state: PictureInstance | undefined,
  ): Promise<Picture> {
    const hasLevels = request.frameNumber === undefined && needsSmallerLevel(asked, request.isThumbnail);
    const instance = hasLevels ? await this.smallerLevelOf(asked) : asked;
    const canPlay = request.format === 'gif' || (request.format === 'webp' && request.frameNumber === undefined);
    const isAnimated = canPlay && !request.isThumbnail && request.target.sopInstanceUid !== undefined && !state;
    const plan = planPicture(instance, request.frameNumber, isAnimated);
    if (state !== undefined && plan.kind !== 'frame') {
      throw new ImageError('unsupported-pixels', 'Presentation states are applied to frames of images alone.');
    }
    const presenting = state && (await this.presentingOf(state, instance, plan));
    const { format, window, quality, annotation, iccProfile } = request;
    const viewport = viewportOf(request);
    const key = JSON.stringify([
      renderingVersion,
      instance.sha256,
      plan.kind,
      'frameIndex' in plan && plan.frameIndex,
      'frameIndexes' in plan && plan.frameIndexes.length,
      [format, window, viewport, quality, annotation, iccProfile],
      state?.sha256,
      presenting?.superimposed.map(({ instance: { sha256 }, frameIndex, share }) => [sha256, frameIndex, share]),
    ]);
    const etag = etagOf(key);
    // Which level stands for a slide, and what a presentation state is of, depends on what else is there.
    if (!hasLevels && !state && request.target.sopInstanceUid !== undefined) {
      this.remember(request, instance.sha256, { key, etag });
    }
    const options: DrawRequest = {
      format,
      ...(window && { window }),
      ...(viewport && { viewport }),
      ...(quality !== undefined && { quality }),
      ...(annotation && { annotation }),
      ...(iccProfile && { iccProfile }),
    };
    const draw = () => this.drawPicture.draw(instance, plan, options, presenting);
    // Made faster than it is written and read, but for what comes again and again.
    const isCheap = plan.kind === 'frame' && instance.frameKind === 'native' && presenting === undefined;
    return {
      etag,
      bytes: async () => this.used(key, await this.cache.get(key, () => this.made(key, draw, !isCheap))),
    };
  }

  /** A presentation state, and what it lays over a frame. */
  private async presentingOf(
    state: PictureInstance,
    instance: PictureInstance,
    plan: PicturePlan,
  ): Promise<Presenting> {
    if (plan.kind !== 'frame' || state.sopClassUid !== blendingState) return { state, superimposed: [] };
    return { state, superimposed: await findSuperimposed(this.db, state, instance, plan.frameIndex) };
  }

  /** Slides are pyramids of the same picture: the level whose size fits stands for those too large to lay together. */
  private async smallerLevelOf(instance: PictureInstance): Promise<PictureInstance> {
    const { studyInstanceUid, seriesInstanceUid } = instance;
    const smallest = smallestPicture(await findSlideLevels(this.db, studyInstanceUid, seriesInstanceUid));
    if (smallest === undefined || smallest.sopInstanceUid === instance.sopInstanceUid) return instance;
    const { sopInstanceUid } = smallest;
    return (await loadPictureInstance(this.db, { studyInstanceUid, seriesInstanceUid, sopInstanceUid })) ?? instance;
  }

  /** As it is on disk; else made. */
  private async made(key: string, draw: () => Promise<Buffer>, isWorthKeeping: boolean): Promise<MadePicture> {
    const kept = await this.store.find(key);
    if (kept !== undefined) return { bytes: kept, uses: 0, isOnDisk: true };
    const bytes = await draw();
    // Nobody waits for the disk.
    if (isWorthKeeping) void this.store.keep(key, bytes);
    return { bytes, uses: 0, isOnDisk: isWorthKeeping };
  }

  /** Puts a picture on disk that is asked for again: it will be once more. */
  private used(key: string, picture: MadePicture): Buffer {
    picture.uses += 1;
    if (picture.uses > 1 && !picture.isOnDisk) {
      picture.isOnDisk = true;
      void this.store.keep(key, picture.bytes);
    }
    return picture.bytes;
  }
}

const etagOf = (key: string) => `"r-${createHash('sha256').update(key).digest('base64url').slice(0, 27)}"`;

/** What decides a picture of an instance, with the digest of its bytes. */
function requestKey(request: PictureRequest, sha256: string): string {
  const { frameNumber, format, isThumbnail, window, viewport, quality, annotation, iccProfile } = request;
  const { presentation } = request;
  const how = [window, viewport, quality, annotation, iccProfile, presentation];
  return JSON.stringify([sha256, frameNumber, format, isThumbnail, how]);
}

function isUnreadable(error: unknown): error is ArchiveError {
  return error instanceof ArchiveError && error.code === 'frames-not-readable';
}

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
