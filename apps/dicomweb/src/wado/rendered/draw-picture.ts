import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { OpenInstance } from '#libs/archive';
import {
  annotationOf,
  type AnnotationKind,
  applyBlending,
  applyPresentation,
  type Blend,
  blendingState,
  type BulkData,
  bulkDataForColor,
  bulkDataForRendering,
  type ColorSpace,
  commonWindow,
  describeFrame,
  type FrameDescription,
  ImageError,
  ImageService,
  MemoryPool,
  type PictureFormat,
  placementOf,
  type PresentedImage,
  readIccProfile,
  readOverlays,
  readPlane,
} from '#libs/images';
import { ReadBulkData } from '../bulkdata/read-bulk-data.js';
import { ReadFrames } from '../frames/read-frames.js';
import { inOrder } from '../transcoding/in-order.js';
import type { Superimposed } from './find-blended.js';
import type { PictureInstance } from './load-picture-instance.js';
import type { PicturePlan } from './plan-picture.js';

type FrameOptions = Parameters<ImageService['renderFrame']>[2];

/** How a picture is to look, as far as the request says. */
export interface DrawOptions extends Pick<FrameOptions, 'format' | 'window' | 'viewport' | 'quality'> {
  annotation?: readonly AnnotationKind[];
  iccProfile?: ColorSpace;
}

/** Waveforms can be had as the lines they are. */
export type DrawRequest = Omit<DrawOptions, 'format'> & { format: PictureFormat | 'svg' };

/** A presentation state, and of a blending one what it lays over the frame. */
export interface Presenting {
  state: PictureInstance;
  superimposed: readonly Superimposed[];
}

/** Of an animation, unless a viewport says otherwise. */
const animationPixels = 512;
/** Frames of one animation drawn at a time; other pictures come in between. */
const animatedAtOnce = 2;
/** Kept for the next frames. */
const frameMemoryBytesMax = 16 * 1024 * 1024;
const documentTag = '00420011';
/** Held as a whole, here and in the process that draws its first page. */
const documentBytesMax = 64 * 1024 * 1024;

/** Draws what was planned: reads the frames, and whatever else a picture of them takes, and has the picture made. */
@Injectable()
export class DrawPicture {
  private readonly frameMemory = new MemoryPool(frameMemoryBytesMax);

  constructor(
    private readonly images: ImageService,
    private readonly frames: ReadFrames,
    private readonly openInstance: OpenInstance,
    private readonly bulkData: ReadBulkData,
  ) {}

  /** @param presenting by which the picture is to be shown @throws ImageError, ArchiveError */
  async draw(
    instance: PictureInstance,
    plan: PicturePlan,
    { format, ...rest }: DrawRequest,
    presenting: Presenting | undefined,
  ): Promise<Buffer> {
    const bulkData = await this.bulkDataOf(instance);
    if (plan.kind === 'waveform') return this.images.renderWaveform(instance.dataset, { ...rest, format }, bulkData);
    if (format === 'svg') throw new ImageError('unsupported-pixels', 'Only waveforms can be had as SVG.');
    const options: DrawOptions = { ...rest, format };
    switch (plan.kind) {
      case 'document':
        return this.images.renderDocument(await this.readDocument(instance), options);
      case 'frame': {
        const { frameIndex } = plan;
        const shown = await this.shownFrame(instance, frameIndex, options, bulkData, presenting);
        const bytes = await this.readFrame(instance, frameIndex);
        const picture = await this.images.renderFrame(bytes, shown.description, shown.options);
        // Not of a picture that failed: who reads it still is not known.
        if (isAtItsPlace(instance, frameIndex)) this.frameMemory.give(bytes.buffer);
        return picture;
      }
      case 'animation':
        return this.animate(instance, plan, options, bulkData);
      case 'tiles':
        return this.drawTiles(instance, plan, options, bulkData);
    }
  }

  /** A frame's description and all that goes over it. */
  private async shownFrame(
    instance: PictureInstance,
    frameIndex: number,
    { annotation, iccProfile, ...rest }: DrawOptions,
    bulkData: BulkData,
    presenting: Presenting | undefined,
  ): Promise<{ description: FrameDescription; options: FrameOptions }> {
    const { dataset, sopInstanceUid } = instance;
    const description = describeReadFrame(instance, frameIndex, bulkData);
    const overlays = readOverlays(dataset, frameIndex, bulkData);
    const options: FrameOptions = {
      ...rest,
      ...(annotation && { annotation: annotationOf(dataset, annotation, frameIndex) }),
      ...(iccProfile && { color: await this.colorOf(presenting?.state ?? instance, iccProfile) }),
    };
    if (presenting === undefined) {
      return { description, options: { ...options, ...(overlays.length > 0 && { overlays }) } };
    }
    const { state } = presenting;
    const image = { sopInstanceUid, frameIndex, description, overlays };
    if (state.sopClassUid === blendingState) return this.blendedFrame(instance, image, options, presenting);
    const applied = applyPresentation(state.dataset, image, await this.bulkDataOf(state));
    return {
      description: applied.description,
      options: {
        ...options,
        overlays: applied.overlays,
        presentation: applied.presentation,
        shutterPlanes: applied.planes,
      },
    };
  }

  /** A frame with what a blending presentation state lays over it. */
  private async blendedFrame(
    { dataset }: PictureInstance,
    image: PresentedImage,
    options: FrameOptions,
    { state, superimposed }: Presenting,
  ): Promise<{ description: FrameDescription; options: FrameOptions }> {
    const plane = readPlane(dataset, image.frameIndex);
    const over = await Promise.all(
      superimposed.map(async ({ instance, frameIndex }) => ({
        sopInstanceUid: instance.sopInstanceUid,
        frameIndex,
        description: describeReadFrame(instance, frameIndex, await this.bulkDataOf(instance)),
        overlays: [],
      })),
    );
    const applied = applyBlending(state.dataset, image, over, await this.bulkDataOf(state));
    const { description, presentation, opacity, palette } = applied;
    const layers: Blend['layers'] = [];
    for (const [at, { instance, frameIndex, plane: above, share }] of superimposed.entries()) {
      layers.push({
        bytes: await this.readFrame(instance, frameIndex),
        description: applied.superimposed[at]!,
        placement: placementOf(plane!, above),
        share,
      });
    }
    return { description, options: { ...options, presentation, blend: { layers, opacity, palette } } };
  }

  private async drawTiles(
    instance: PictureInstance,
    { level }: PicturePlan & { kind: 'tiles' },
    { annotation, iccProfile, ...rest }: DrawOptions,
    bulkData: BulkData,
  ): Promise<Buffer> {
    const { dataset } = instance;
    const { tiles, totalColumns, totalRows } = level;
    const bytes = await this.frames.read(
      instance,
      tiles.map(({ frameIndex }) => frameIndex),
    );
    const described = tiles.map(({ frameIndex, columnOffset, rowOffset }, at) => {
      const description = describeReadFrame(instance, frameIndex, bulkData);
      return { bytes: bytes[at]!, description, columnOffset, rowOffset };
    });
    return this.images.renderTiledLevel(described, totalColumns, totalRows, {
      ...rest,
      ...(annotation && { annotation: annotationOf(dataset, annotation, undefined) }),
      ...(iccProfile && { color: await this.colorOf(instance, iccProfile) }),
    });
  }

  /** Each frame is drawn on its own, so that no more than a few compressed ones are held. */
  private async animate(
    instance: PictureInstance,
    { frameIndexes, delayMilliseconds }: PicturePlan & { kind: 'animation' },
    options: DrawOptions,
    bulkData: BulkData,
  ): Promise<Buffer> {
    const viewport = options.viewport ?? { width: animationPixels, height: animationPixels };
    // One window for all, or a frame without one of its own would be fitted to its values, and the cine flicker.
    const first = describeReadFrame(instance, 0, bulkData);
    const isFitted = first.windows.length === 0 && first.voiLut === undefined && first.samplesPerPixel === 1;
    const window = options.window ?? (isFitted && !first.palette ? commonWindow(first) : undefined);
    const frame: DrawOptions = { ...options, format: 'png', viewport, ...(window && { window }) };
    const drawFrame = async (frameIndex: number): Promise<Buffer> => {
      const shown = await this.shownFrame(instance, frameIndex, frame, bulkData, undefined);
      return this.images.renderFrame(await this.readFrame(instance, frameIndex), shown.description, shown.options);
    };
    const tasks = async function* () {
      for (const frameIndex of frameIndexes) yield () => drawFrame(frameIndex);
    };
    const pictures: Buffer[] = [];
    for await (const picture of inOrder(tasks(), animatedAtOnce)) pictures.push(picture);
    const format = options.format === 'webp' ? 'webp' : 'gif';
    return this.images.animate(pictures, delayMilliseconds, format, options.quality);
  }

  /** In one read where its place is known already. */
  private async readFrame(instance: PictureInstance, frameIndex: number): Promise<Buffer<ArrayBuffer>> {
    if (!isAtItsPlace(instance, frameIndex)) {
      return (await this.frames.read(instance, [frameIndex]))[0] as Buffer<ArrayBuffer>;
    }
    const { firstFrame, row } = instance;
    // All of it is read, or this throws.
    const bytes = Buffer.from(this.frameMemory.take(firstFrame.length));
    await this.openInstance.readInto(row, firstFrame.offset, bytes);
    return bytes;
  }

  private async readDocument(instance: PictureInstance): Promise<Buffer> {
    const element = instance.dataset[documentTag];
    if (element?.InlineBinary !== undefined) return Buffer.from(element.InlineBinary, 'base64');
    if (element?.BulkDataURI === undefined) throw new ImageError('no-pixels', 'It has no document.');
    const { length, open } = await this.bulkData.open(instance, documentTag);
    if (length === undefined || length > documentBytesMax) {
      const size = length === undefined ? 'of unknown length' : `of ${length} bytes`;
      throw new ImageError(
        'limit-exceeded',
        `Its document is ${size}; a picture is made of one of at most ${documentBytesMax} bytes.`,
      );
    }
    return buffer(await open());
  }

  private async colorOf(instance: PictureInstance, space: ColorSpace): Promise<NonNullable<FrameOptions['color']>> {
    const { dataset } = instance;
    const source = readIccProfile(dataset, await this.read(instance, bulkDataForColor(dataset)));
    return { space, ...(source && { source }) };
  }

  private bulkDataOf(instance: PictureInstance): Promise<BulkData> {
    return this.read(instance, bulkDataForRendering(instance.dataset));
  }

  private async read(
    instance: PictureInstance,
    references: ReturnType<typeof bulkDataForRendering>,
  ): Promise<Map<string, Uint8Array>> {
    const found = new Map<string, Uint8Array>();
    for (const { uri, tagPath } of references) found.set(uri, await this.bulkData.read(instance, tagPath));
    return found;
  }
}

type PlacedInstance = PictureInstance & Required<Pick<PictureInstance, 'firstFrame' | 'row'>>;

/** Whether the frame's place is known, so that it can be read at once. */
function isAtItsPlace(instance: PictureInstance, frameIndex: number): instance is PlacedInstance {
  return instance.row !== undefined && instance.firstFrame?.frameIndex === frameIndex;
}

/** One-bit frames are read from a byte boundary on, wherever they begin in the object. */
function describeReadFrame(instance: PictureInstance, frameIndex: number, bulkData: BulkData): FrameDescription {
  return { ...describeFrame(instance.dataset, instance.transferSyntaxUid, frameIndex, bulkData), bitOffset: 0 };
}
