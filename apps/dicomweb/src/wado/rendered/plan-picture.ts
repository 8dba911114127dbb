import { jsonItems, jsonNumber, jsonText, transferSyntaxOf } from '#libs/dicom';
import { describePixels, ImageError, otherPresentationStates } from '#libs/images';
import { HttpProblem } from '#libs/server';
import { chooseFrame } from './choose-frame.js';
import type { PictureInstance } from './load-picture-instance.js';
import { type TiledLevel, tilePositions } from './tile-positions.js';

/** Encapsulated PDF Storage (PS3.3 A.45.1): the one kind of document of which a picture can be made. */
export const encapsulatedPdf = '1.2.840.10008.5.1.4.1.1.104.1';

/** How an instance becomes a picture. */
export type PicturePlan =
  | { kind: 'frame'; frameIndex: number }
  /** All tiles of a slide's level, laid together. */
  | { kind: 'tiles'; level: TiledLevel }
  /** Frames of a cine, played one after the other. */
  | { kind: 'animation'; frameIndexes: number[]; delayMilliseconds: number }
  | { kind: 'waveform' }
  /** The first page of a document. */
  | { kind: 'document' };

/** Tiles read and decoded for one picture, and pixels it may have before it is scaled down. */
const tilesMax = 256;
/** Frames of an animation: of longer cines every second one, third one, and so on. */
const animatedFramesMax = 100;
const levelPixelsMax = 64_000_000;

/**
 * @param frameNumber the frame asked for, counting from 1; undefined: whatever shows the instance best
 * @param isAnimated the frames of a cine are wanted as such
 * @throws HttpProblem 404 for a frame that is not there; ImageError no-pixels or limit-exceeded
 */
export function planPicture(
  instance: PictureInstance,
  frameNumber: number | undefined,
  isAnimated = false,
): PicturePlan {
  const { dataset, frameKind, numberOfFrames } = instance;
  if (frameKind === 'none') {
    if (jsonItems(dataset, '54000100').length > 0 && (frameNumber ?? 1) === 1) return { kind: 'waveform' };
    if (instance.sopClassUid === encapsulatedPdf && (frameNumber ?? 1) === 1) return { kind: 'document' };
    const otherState = otherPresentationStates[instance.sopClassUid];
    if (otherState !== undefined) {
      throw new ImageError(
        'no-pixels',
        `It is a${/^[AEIOU]/.test(otherState) ? 'n' : ''} ${otherState}, which is not applied here; Grayscale, Color, Pseudo-Color, Blending and XA/XRF Softcopy Presentation States are.`,
      );
    }
    throw new ImageError('no-pixels', 'It has neither an image nor a waveform.');
  }
  if (frameKind === 'unindexable' && !transferSyntaxOf(instance.transferSyntaxUid).deflated) {
    throw notToldApart(instance);
  }
  if (frameNumber !== undefined) {
    if (frameNumber > numberOfFrames) {
      throw new HttpProblem(404, 'Not Found', `There is no frame ${frameNumber}: the instance has ${numberOfFrames}.`);
    }
    return { kind: 'frame', frameIndex: frameNumber - 1 };
  }
  const level = tilePositions(dataset, numberOfFrames);
  if (level === undefined && isAnimated && numberOfFrames > 1) return planAnimation(instance);
  if (level === undefined) return { kind: 'frame', frameIndex: chooseFrame(dataset, numberOfFrames) };
  if (isTooLarge(level)) {
    throw new ImageError(
      'limit-exceeded',
      `The level has ${level.tiles.length} tiles, ${level.totalColumns} x ${level.totalRows} pixels; a picture is made of at most ${tilesMax} tiles and ${levelPixelsMax} pixels.`,
    );
  }
  return { kind: 'tiles', level };
}

/** Why nobody knows where its frames lie. */
function notToldApart({ dataset, transferSyntaxUid, numberOfFrames }: PictureInstance): ImageError {
  if (transferSyntaxOf(transferSyntaxUid).mediaType.startsWith('video/')) {
    return new ImageError('unsupported-pixels', 'It is a video, whose frames are not taken out one by one.');
  }
  try {
    const { rows, columns, samplesPerPixel, bitsAllocated } = describePixels(dataset, transferSyntaxUid, 0);
    const samples = `${columns} x ${rows} pixels with ${samplesPerPixel} x ${bitsAllocated} bits`;
    return new ImageError(
      'truncated',
      `Its Pixel Data (7FE0,0010) is damaged or cut short: the dataset says ${numberOfFrames} frame${numberOfFrames === 1 ? '' : 's'} of ${samples}.`,
    );
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
}

/** At the speed it was taken, or is meant to be shown (PS3.3 C.7.6.5, C.7.6.1.1); ten a second when nothing says. */
function planAnimation({ dataset, numberOfFrames }: PictureInstance): PicturePlan {
  const step = Math.ceil(numberOfFrames / animatedFramesMax);
  const rate = jsonNumber(dataset, '00082144') ?? jsonNumber(dataset, '00180040');
  const frameTime = jsonNumber(dataset, '00181063') ?? (rate === undefined ? undefined : 1000 / rate);
  const delay = frameTime !== undefined && frameTime > 0 && Number.isFinite(frameTime) ? frameTime : 100;
  return {
    kind: 'animation',
    frameIndexes: Array.from({ length: Math.ceil(numberOfFrames / step) }, (_, at) => at * step),
    delayMilliseconds: Math.min(delay * step, 10_000),
  };
}

/** A level of a slide that is too large to be laid together, or larger than a thumbnail calls for. */
export function needsSmallerLevel(instance: PictureInstance, isThumbnail: boolean): boolean {
  if (jsonText(instance.dataset, '00080008', 2) !== 'VOLUME') return false;
  const level = tilePositions(instance.dataset, instance.numberOfFrames);
  return level !== undefined && (isThumbnail || isTooLarge(level));
}

function isTooLarge({ tiles, totalColumns, totalRows }: TiledLevel): boolean {
  return tiles.length > tilesMax || totalColumns * totalRows > levelPixelsMax;
}
