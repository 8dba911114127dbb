import { addAbortSignal } from 'node:stream';
import { BlobError, type BlobStore, type DigestOptions, giveSlabBack, slabBytes, takeSlab } from '#libs/blobs';
import { StorageError } from '../storage-error.js';
import { digestOfPieces, type ExpectedBytes, ExpectedHash } from './expected-bytes.js';
import { type CopyProgress, writeCopy } from './write-copy.js';

export interface BlobAddress {
  store: BlobStore;
  key: string;
}

/**
 * Copies a blob into another store, chunk by chunk. It is compared when it is read back, which finds what was damaged where it
 * lay as well: {@link verifyCopy} says which.
 * @returns the copy's key; it is durable, and not yet read back
 * @throws StorageError 'copy-damaged' when the source has more or fewer bytes than it should; BlobError; the signal's reason.
 * Then the target holds nothing.
 */
export async function copyBlob(
  source: BlobAddress,
  target: BlobStore,
  expected: ExpectedBytes,
  signal: AbortSignal,
  progress?: CopyProgress,
): Promise<string> {
  return writeCopy(target, expected.bytes, signal, progress, (writer) =>
    readWhole(source, expected, signal, async (chunk) => {
      await writer.write(chunk);
      await progress?.copied(chunk.length);
    }),
  );
}

/**
 * Reads a blob from its first byte to its last and compares size and digest.
 * @param take told of bytes as they were read; it may keep the reading waiting
 * @throws StorageError 'copy-damaged'; BlobError; the signal's reason
 */
export async function verifyBlob(
  blob: BlobAddress,
  expected: ExpectedBytes,
  signal: AbortSignal,
  take: (bytes: number) => Promise<void> | void = () => undefined,
): Promise<void> {
  await digestCompared(blob, expected, { signal, take });
}

/**
 * Reads a copy back.
 * @returns SHA-256 of the whole, where it goes into an archive class, whose digests are of the whole
 * @throws StorageError 'copy-damaged', which says whether it is the copy or what it was made of; BlobError; the signal's reason
 */
export async function verifyCopy(
  copy: BlobAddress,
  source: BlobAddress,
  expected: ExpectedBytes,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const isArchive = copy.store.archive !== undefined;
  try {
    const sha256 = await digestCompared(copy, expected, { signal, ...(isArchive && { isWhole: true }) });
    return isArchive ? sha256 : undefined;
  } catch (error) {
    if (error instanceof StorageError) await verifyBlob(source, expected, signal);
    throw error;
  }
}

/** @returns SHA-256 of the whole, where it is hashed as one, too. @throws as {@link verifyBlob} */
async function digestCompared(
  blob: BlobAddress,
  expected: ExpectedBytes,
  options: Omit<DigestOptions, 'pieces'>,
): Promise<Buffer | undefined> {
  const { pieceBytes } = expected;
  const found = await blob.store.digest(blob.key, { ...options, ...(pieceBytes !== null && { pieces: pieceBytes }) });
  compareBytes(blob, expected, found.bytes);
  compareDigest(blob, expected, pieceBytes === null ? found.sha256! : digestOfPieces(found.pieces));
  return found.sha256;
}

/**
 * Gives back at once the memory of a chunk that came from a connection, where it has it for itself. The garbage collector
 * goes through the whole heap for every few tens of megabytes of it.
 */
export function freeChunk(chunk: Buffer): void {
  if (chunk.length === chunk.buffer.byteLength) (chunk.buffer as ArrayBuffer).transfer(0);
}

/**
 * A blob from its first byte to its last. A chunk's memory is used again, or gone, when the next is asked for: new memory at
 * each read costs more than the reading.
 * @throws BlobError; the signal's reason
 */
export async function* readChunks({ store, key }: BlobAddress, signal: AbortSignal): AsyncGenerator<Buffer> {
  signal.throwIfAborted();
  if (store.isLocal !== true) {
    for await (const chunk of addAbortSignal(signal, await store.read(key)) as AsyncIterable<Buffer>) {
      yield chunk;
      if (store.givesChunksAway === true) freeChunk(chunk);
    }
    return;
  }
  const found = await store.head(key);
  if (found === undefined) throw new BlobError('blob-not-found', `${key} in ${store.name}: it is not there`);
  // One is read while the other is in its reader's hands.
  const slabs = [takeSlab(), takeSlab()];
  const readInto = (slab: Buffer, at: number): Promise<Buffer> | undefined => {
    const chunk = slab.subarray(0, Math.min(slabBytes, found.bytes - at));
    const reading = at < found.bytes ? store.readInto(key, at, chunk).then(() => chunk) : undefined;
    reading?.catch(() => undefined); // told when it is its turn
    return reading;
  };
  let reading = found.bytes > 0 ? readInto(slabs[0]!, 0) : undefined;
  try {
    for (let at = slabBytes; reading !== undefined; at += slabBytes) {
      const chunk = await reading;
      signal.throwIfAborted();
      slabs.reverse();
      reading = readInto(slabs[0]!, at);
      yield chunk;
    }
  } finally {
    await reading?.catch(() => undefined);
    for (const slab of slabs) giveSlabBack(slab);
  }
}

/**
 * Reads a blob from its first byte to its last, and says at the end whether it was what it should be.
 * @throws StorageError 'copy-damaged'; BlobError; the signal's reason
 */
export async function readVerified(
  blob: BlobAddress,
  expected: ExpectedBytes,
  signal: AbortSignal,
  take: (chunk: Buffer) => Promise<void> | void,
): Promise<void> {
  const hash = new ExpectedHash(expected.pieceBytes);
  await readWhole(blob, expected, signal, async (chunk) => {
    hash.update(chunk);
    await take(chunk);
  });
  compareDigest(blob, expected, hash.digest());
}

/** Reads a blob from its first byte to its last, as many as it should have. @throws as readVerified */
async function readWhole(
  blob: BlobAddress,
  expected: ExpectedBytes,
  signal: AbortSignal,
  take: (chunk: Buffer) => Promise<void> | void,
): Promise<void> {
  const { store, key } = blob;
  signal.throwIfAborted();
  let bytes = 0;
  try {
    for await (const chunk of readChunks(blob, signal)) {
      bytes += chunk.length;
      if (bytes > expected.bytes) break;
      await take(chunk);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BlobError || error instanceof StorageError) throw error;
    throw new BlobError('blob-unavailable', `${key} in ${store.name} broke off after ${bytes} bytes`, { cause: error });
  }
  compareBytes(blob, expected, bytes);
}

/** @throws StorageError 'copy-damaged' */
function compareBytes({ store, key }: BlobAddress, expected: ExpectedBytes, bytes: number): void {
  if (bytes === expected.bytes) return;
  const found = bytes > expected.bytes ? 'more' : String(bytes);
  throw new StorageError(
    'copy-damaged',
    `${key} in ${store.name} should have ${expected.bytes} bytes and has ${found}`,
  );
}

/** @throws StorageError 'copy-damaged' */
function compareDigest({ store, key }: BlobAddress, expected: ExpectedBytes, sha256: Buffer): void {
  if (sha256.equals(expected.sha256)) return;
  throw new StorageError(
    'copy-damaged',
    `${key} in ${store.name} has SHA-256 ${sha256.toString('hex')}, and its pack ${expected.sha256.toString('hex')}`,
  );
}
