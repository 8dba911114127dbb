import sharp from 'sharp';
import { ImageError } from './image-error.js';
import { picturePixelsMax } from './limits.js';

export type AnimationFormat = 'gif' | 'webp';

/**
 * An animated GIF or WebP of pictures, which play in their order and over and over.
 *
 * @param pictures PNG or the like, all of one size.
 * @param delayMilliseconds From one to the next; browsers take less than 20 for a mistake, and make it 100.
 * @param quality 1 to 100, for webp.
 * @throws ImageError limit-exceeded, invalid-option
 */
export async function animate(
  pictures: Uint8Array[],
  delayMilliseconds: number,
  format: AnimationFormat = 'gif',
  quality = 90,
): Promise<Buffer> {
  const first = pictures[0];
  if (first === undefined) throw new ImageError('invalid-option', 'An animation needs at least one picture.');
  const { width, height, channels } = await sharp(first).metadata();
  const raw = { width, height: height * pictures.length, channels: channels < 3 ? 1 : 3 } as const;
  if (raw.width * raw.height > picturePixelsMax) {
    throw new ImageError(
      'limit-exceeded',
      `An animation of ${pictures.length} pictures of ${width} x ${height} is over the limit of ${picturePixelsMax} pixels.`,
    );
  }
  const pages = Buffer.alloc(raw.width * raw.height * raw.channels);
  const pageBytes = raw.width * height * raw.channels;
  for (const [index, picture] of pictures.entries()) {
    const decoded = await sharp(picture)
      .toColourspace(raw.channels === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer();
    if (decoded.length !== pageBytes) {
      throw new ImageError('invalid-option', 'The pictures of an animation must be of one size.');
    }
    decoded.copy(pages, index * pageBytes);
  }
  const animation = sharp(pages, { raw: { ...raw, pageHeight: height }, limitInputPixels: false });
  const timing = { loop: 0, delay: pictures.map(() => Math.max(20, Math.round(delayMilliseconds))) };
  const encoded =
    format === 'gif'
      ? animation.gif({ ...timing, effort: 3, dither: 0.5 })
      : animation.webp({ ...timing, quality, effort: 2 });
  return encoded.toBuffer();
}
