import load from '@cornerstonejs/codec-charls/wasmjs';
import { CodecModule, reasonOf } from './codec-module.js';
import type { CodestreamHeader } from './codestream-header.js';
import { ImageError } from './image-error.js';

const charLs = new CodecModule(load);

type Frame = Pick<CodestreamHeader, 'rows' | 'columns' | 'components' | 'precision'>;

/**
 * JPEG-LS (ISO/IEC 14495-1) by CharLS, in half of the time that the one in dcmjs-codecs takes. It trusts its codestream's
 * header, which the caller has compared with the dataset.
 *
 * @returns Little endian samples: one byte each up to 8 bits, two above; of a scan for each component, one plane after the other
 * @throws ImageError malformed
 */
export function decodeWithCharLs(bytes: Uint8Array, header: Frame): Promise<Uint8Array> {
  return charLs.decode(({ JpegLSDecoder }) => new JpegLSDecoder(), bytes, header);
}

/**
 * Without loss; whether it was is for the caller to see by decoding.
 *
 * @param samples As {@link decodeWithCharLs} returns them, those of a pixel side by side
 * @throws ImageError unsupported-pixels
 */
export async function encodeWithCharLs(
  samples: Uint8Array,
  { rows, columns, components, precision }: Frame,
): Promise<Uint8Array> {
  try {
    return await charLs.use(({ JpegLSEncoder }) => {
      const encoder = new JpegLSEncoder();
      const frame = { width: columns, height: rows, bitsPerSample: precision, componentCount: components };
      const target = encoder.getDecodedBuffer({ ...frame, isSigned: false });
      // Or what was there before would go with them.
      if (target.length !== samples.length) {
        throw new Error(`the encoder wants ${target.length} bytes instead of ${samples.length}`);
      }
      target.set(samples);
      encoder.setNearLossless(0);
      encoder.setInterleaveMode(components === 1 ? 0 : 2);
      encoder.encode();
      const bytes = encoder.getEncodedBuffer().slice();
      encoder.delete();
      return bytes;
    });
  } catch (cause) {
    throw new ImageError('unsupported-pixels', `The frame cannot be encoded: ${reasonOf(cause)}`, { cause });
  }
}
