import type { DicomError } from '#libs/dicom';

/** The body of an instance that cannot be made: it fails when it is read, and the others of the request do not. */
export function failedBody(error: DicomError): AsyncIterable<Uint8Array> {
  return { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(error) }) };
}
