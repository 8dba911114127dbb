import load, { type HTJ2KDecoder, type OpenJphModule } from '@cornerstonejs/codec-openjph';
import type { CodestreamHeader } from './codestream-header.js';
import { ImageError } from './image-error.js';

let started: Promise<OpenJphModule> | undefined;

/**
 * HTJ2K (ISO/IEC 15444-15) by OpenJPH with SIMD: decodes in two thirds to half of the time that the one in dcmjs-codecs
 * takes. It trusts its codestream's header, which the caller has compared with the dataset.
 *
 * @returns Little endian samples: one byte each up to 8 bits, two above; R, G, B where they were transformed together
 * @throws ImageError malformed
 */
export async function decodeWithOpenJph(
  bytes: Uint8Array,
  header: Pick<CodestreamHeader, 'rows' | 'columns' | 'components' | 'precision'>,
): Promise<Uint8Array> {
  started ??= load({ print: () => undefined, printErr: () => undefined });
  const openJph = await started;
  let decoder: HTJ2KDecoder | undefined;
  try {
    // A new one each time: its memory begins empty, whatever was decoded before.
    decoder = new openJph.HTJ2KDecoder();
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    const decoded = decoder.getDecodedBuffer();
    const expected = header.rows * header.columns * header.components * (header.precision <= 8 ? 1 : 2);
    if (decoded.length !== expected) {
      throw new Error(`the decoder gave ${decoded.length} bytes instead of ${expected}`);
    }
    const samples = decoded.slice();
    decoder.delete();
    return samples;
  } catch (cause) {
    // An exception leaves the module as it was in the middle of work: never use it again.
    started = undefined;
    throw new ImageError('malformed', `The compressed frame cannot be decoded: ${reasonOf(cause)}`, { cause });
  }
}

/** C++ throws numbers, and WebAssembly "unreachable" where data make no sense. */
function reasonOf(error: unknown): string {
  const says = error instanceof Error && error.name !== 'RuntimeError';
  return says ? error.message : 'its data make no sense';
}
