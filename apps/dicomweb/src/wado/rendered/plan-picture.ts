import { jsonItems, jsonText, transferSyntaxOf } from '#libs/dicom';
import { ImageError } from '#libs/images';
import { HttpProblem } from '#libs/server';
import { chooseFrame } from './choose-frame.js';
import type { PictureInstance } from './load-picture-instance.js';
import { type TiledLevel, tilePositions } from './tile-positions.js';

/** How an instance becomes a picture. */
export type PicturePlan =
  | { kind: 'frame'; frameIndex: number }
  /** All tiles of a slide's level, laid together. */
  | { kind: 'tiles'; level: TiledLevel }
  | { kind: 'waveform' };

/** Tiles read and decoded for one picture, and pixels it may have before it is scaled down. */
const tilesMax = 256;
const levelPixelsMax = 64_000_000;

/**
 * @param frameNumber the frame asked for, counting from 1; undefined: whatever shows the instance best
 * @throws HttpProblem 404 for a frame that is not there; ImageError no-pixels or limit-exceeded
 */
export function planPicture(instance: PictureInstance, frameNumber: number | undefined): PicturePlan {
  const { dataset, frameKind, numberOfFrames } = instance;
  if (frameKind === 'none') {
    if (jsonItems(dataset, '54000100').length > 0 && (frameNumber ?? 1) === 1) return { kind: 'waveform' };
    throw new ImageError('no-pixels', 'It has neither an image nor a waveform.');
  }
  if (frameKind === 'unindexable' && !transferSyntaxOf(instance.transferSyntaxUid).deflated) {
    throw new ImageError('unsupported-pixels', 'Its frames cannot be told apart: it is a video, or damaged.');
  }
  if (frameNumber !== undefined) {
    if (frameNumber > numberOfFrames) {
      throw new HttpProblem(404, 'Not Found', `There is no frame ${frameNumber}: the instance has ${numberOfFrames}.`);
    }
    return { kind: 'frame', frameIndex: frameNumber - 1 };
  }
  const level = tilePositions(dataset, numberOfFrames);
  if (level === undefined) return { kind: 'frame', frameIndex: chooseFrame(dataset, numberOfFrames) };
  if (isTooLarge(level)) {
    throw new ImageError(
      'limit-exceeded',
      `The level has ${level.tiles.length} tiles, ${level.totalColumns} x ${level.totalRows} pixels; a picture is made of at most ${tilesMax} tiles and ${levelPixelsMax} pixels.`,
    );
  }
  return { kind: 'tiles', level };
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
