import sharp, { type JpegOptions } from 'sharp';
import type { CodestreamHeader } from './codestream-header.js';
import { ImageError } from './image-error.js';

/**
 * Decodes 8-bit lossy JPEG with libjpeg-turbo, several times faster than WebAssembly. Gives the same samples: no colour
 * management, no rotation by EXIF. YCbCr becomes RGB on the way.
 *
 * @throws ImageError malformed
 */
export async function decodeJpegBaseline(bytes: Uint8Array, header: CodestreamHeader): Promise<Uint8Array> {
  try {
    const { data, info } = await sharp(bytes, {
      failOn: 'error',
      ignoreIcc: true,
      limitInputPixels: header.rows * header.columns,
    })
      .toColourspace(header.components === 1 ? 'b-w' : 'srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== header.components || info.width !== header.columns || info.height !== header.rows) {
      throw new Error(`it came out as ${info.width} x ${info.height} with ${info.channels} channels`);
    }
    return data;
  } catch (error) {
    throw new ImageError('malformed', `The JPEG frame cannot be decoded: ${(error as Error).message}`, {
      cause: error,
    });
  }
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
