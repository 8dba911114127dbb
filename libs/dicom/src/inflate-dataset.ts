import { inflateRawSync } from 'node:zlib';
import { DicomError } from './errors.js';

/**
 * The dataset of a deflated syntax as it was before (PS3.5 A.5: raw deflate, RFC 1951).
 * @param bytesMax of the inflated dataset; nothing beyond it is ever made
 * @throws DicomError 'limit-exceeded', 'truncated', 'malformed'
 */
export function inflateDataset(bytes: Buffer, bytesMax: number): Buffer {
  try {
    return inflateRawSync(bytes, { maxOutputLength: bytesMax });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new DicomError(
        'limit-exceeded',
        `The dataset inflates to more than ${bytesMax} bytes`,
        {},
        { cause: error },
      );
    }
    if (code === 'Z_BUF_ERROR') {
      throw new DicomError('truncated', 'The object is cut off: its deflated dataset has no end', {}, { cause: error });
    }
    throw new DicomError('malformed', `The deflated dataset cannot be inflated: ${message}`, {}, { cause: error });
  }
}
