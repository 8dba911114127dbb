import type { ParsedInstance, Part10ReaderOptions } from './parsed-instance.js';
import { Part10Reader } from './part10-reader.js';

/** Reads a whole Part 10 object that is already in memory. Throws `DicomError` as `Part10Reader` does. */
export function readPart10(bytes: Uint8Array, options?: Part10ReaderOptions): ParsedInstance {
  const reader = new Part10Reader(options);
  reader.write(bytes);
  return reader.end();
}
