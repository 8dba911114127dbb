import type { BlobAddress } from '../tiering/copy-blob.js';
import type { ExpectedBytes } from '../tiering/expected-bytes.js';

/** missing: it is not there. size, digest: it is another than it was. */
export interface SeenDamage {
  kind: 'missing' | 'size' | 'digest';
  text: string;
  bytes?: number;
}

/**
 * Asks a store about a blob without reading it. Of what is archived S3 tells the size, the digest that it computed, or the
 * one that was put beside the object when it was archived: an object that was cut, swapped or written over has another.
 * @returns what is wrong with it; undefined where nothing is to be seen. @throws BlobError when the store does not answer
 */
export async function lookAtBlob(
  { store, key }: BlobAddress,
  expected: ExpectedBytes,
): Promise<SeenDamage | undefined> {
  const found = await (store.archive === undefined ? store.head(key) : store.archive.describe(key));
  if (found === undefined) return { kind: 'missing', text: 'it is missing' };
  const { bytes } = found;
  if (bytes !== undefined && bytes !== expected.bytes) {
    return { kind: 'size', text: `it has ${bytes} bytes and should have ${expected.bytes}`, bytes };
  }
  const sha256 = 'sha256' in found ? found.sha256 : undefined;
  // What is put into an archive class is hashed as one; of a pack in pieces the store tells some other digest.
  if (sha256 === undefined || expected.pieceBytes !== null || sha256.equals(expected.sha256)) return undefined;
  return {
    kind: 'digest',
    text: `it has SHA-256 ${sha256.toString('hex')}, and its pack ${expected.sha256.toString('hex')}`,
  };
}
