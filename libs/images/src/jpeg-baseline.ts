import sharp, { type JpegOptions } from 'sharp';
import type { CodestreamHeader } from './codestream-header.js';
import { type JpegPicture, LibjpegTurbo, libjpegTurbo } from './libjpeg-turbo.js';

/**
 * Calling libjpeg-turbo through libvips takes a millisecond, whatever the frame's size: of so many samples (colours of a
 * tile, or grey of half a thousand squared), WebAssembly is the faster.
 */
const smallSamplesMax = 2 ** 18;

/**
 * Decodes 8-bit lossy JPEG with libjpeg-turbo, several times faster than WebAssembly; where it cannot be called itself,
 * by way of sharp. No colour management, no rotation by EXIF. YCbCr becomes RGB on the way.
 *
 * @returns undefined for a frame of which libjpeg-turbo has anything to say: whether it is data that are missing, which it
 *   would fill up with grey, is for the other decoder to tell
 */
export async function decodeJpegBaseline(
  bytes: Uint8Array,
  header: Pick<CodestreamHeader, 'rows' | 'columns' | 'components'>,
  turbo = libjpegTurbo(),
): Promise<Uint8Array | undefined> {
  const { rows, columns, components } = header;
  if (components !== 1 && components !== 3) return undefined;
  if (turbo instanceof LibjpegTurbo) return turbo.decode(bytes, { rows, columns, components });
  return rows * columns * components > smallSamplesMax ? decodeWithSharp(bytes, header) : undefined;
}

async function decodeWithSharp(
  bytes: Uint8Array,
  { rows, columns, components }: Pick<CodestreamHeader, 'rows' | 'columns' | 'components'>,
): Promise<Uint8Array | undefined> {
  try {
    const { data, info } = await sharp(bytes, {
      failOn: 'warning',
      ignoreIcc: true,
      limitInputPixels: rows * columns,
    })
      .toColourspace(components === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const isAsSaid = info.channels === components && info.width === columns && info.height === rows;
    return isAsSaid ? data : undefined;
  } catch {
    return undefined;
  }
}

/** Encodes samples as they are; with {@link jpegOptions}, whoever does it. */
export async function encodeJpeg(picture: JpegPicture, quality: number, turbo = libjpegTurbo()): Promise<Buffer> {
  const encoded = turbo instanceof LibjpegTurbo ? await turbo.encode(picture, quality) : undefined;
  if (encoded !== undefined) return encoded;
  const { data, ...raw } = picture;
  const shown = sharp(data, { raw, limitInputPixels: false });
  return (raw.channels === 1 ? shown.toColourspace('b-w') : shown).jpeg(jpegOptions(quality)).toBuffer();
}

/**
 * How pictures and frames are encoded: every pixel with its own colour, and the Huffman tables of the standard's Annex K,
 * as cjpeg does. Tables of its own make a radiograph 2 % and a small MR image 15 % smaller, and take longer than all the
 * rest of encoding it.
 *
 * @param quality 1 to 100
 */
export const jpegOptions = (quality: number): JpegOptions => ({
  quality,
  chromaSubsampling: '4:4:4',
  optimiseCoding: false,
});
