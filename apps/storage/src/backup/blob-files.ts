import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { BlobStore } from '#libs/blobs';
import { type BlobAddress, readVerified } from '../tiering/copy-blob.js';
import { type ExpectedBytes, ExpectedHash } from '../tiering/expected-bytes.js';

/** Copies a blob into a file, which is durable then. @throws StorageError 'copy-damaged', BlobError, the signal's reason */
export async function readBlobInto(
  blob: BlobAddress,
  expected: ExpectedBytes,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await readVerified(blob, expected, signal, async (chunk) => void (await handle.write(chunk)));
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

/** Puts a file into a store. @returns its key. @throws Error when it is not what it should be; then nothing is stored */
export async function writeBlobFrom(
  file: string,
  expected: ExpectedBytes,
  store: BlobStore,
  signal: AbortSignal,
): Promise<string> {
  const writer = await store.write({ bytes: expected.bytes });
  try {
    const hash = new ExpectedHash(expected.pieceBytes);
    for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024, signal })) {
      hash.update(chunk as Buffer);
      await writer.write(chunk as Buffer);
    }
    if (writer.bytes !== expected.bytes || !hash.digest().equals(expected.sha256)) {
      throw new Error(`${file} is damaged: it is not what was backed up`);
    }
    return (await writer.commit()).key;
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
