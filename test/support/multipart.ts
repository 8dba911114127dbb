import { createHash } from 'node:crypto';

export interface MultipartOptions {
  /** Default: made from the parts, so the same parts give the same body. */
  boundary?: string;
  /** Media type of every part, and the `type` parameter of the whole. Default `application/dicom`. */
  type?: string;
}

/**
 * A `multipart/related` body as a STOW-RS sender writes it (PS3.18 8.6.1.2, RFC 2387).
 *
 * @returns the value for the Content-Type header, and the body's bytes.
 */
export function multipartBody(
  parts: readonly Uint8Array[],
  options: MultipartOptions = {},
): { contentType: string; body: Buffer } {
  const type = options.type ?? 'application/dicom';
  const boundary = options.boundary ?? boundaryOf(parts);
  const pieces: Uint8Array[] = [];
  for (const part of parts) {
    pieces.push(Buffer.from(`--${boundary}\r\nContent-Type: ${type}\r\n\r\n`), part, Buffer.from('\r\n'));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return {
    contentType: `multipart/related; type="${type}"; boundary=${boundary}`,
    body: Buffer.concat(pieces),
  };
}

function boundaryOf(parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return `part-${hash.digest('hex').slice(0, 32)}`;
}
