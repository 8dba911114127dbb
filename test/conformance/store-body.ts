import { randomUUID } from 'node:crypto';

/** A `multipart/related` body of DICOM instances (PS3.18 10.5.1), its parts with nothing but a Content-Type. */
export function storeBody(
  objects: readonly Uint8Array[],
  { boundary = randomUUID(), type = 'application/dicom' }: { boundary?: string; type?: string } = {},
): { contentType: string; body: Buffer } {
  const pieces = objects.flatMap((object) => [
    Buffer.from(`\r\n--${boundary}\r\nContent-Type: ${type}\r\n\r\n`),
    object,
  ]);
  return {
    contentType: `multipart/related; type="${type}"; boundary="${boundary}"`,
    body: Buffer.concat([...pieces, Buffer.from(`\r\n--${boundary}--\r\n`)]),
  };
}
