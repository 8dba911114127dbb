import type { BlobStore, BlobWriter } from '#libs/blobs';

/** Who follows a copy. */
export interface CopyProgress {
  /** The copy will be under this key. */
  begun(store: string, key: string): Promise<void>;
  copied(bytes: number): Promise<void>;
}

/**
 * Writes a copy that is read back, and makes it durable.
 * @param bytes how many it will have, or more
 * @param write what is in it
 * @returns the copy's key
 * @throws BlobError; the signal's reason; whatever `write` throws. Then the target holds nothing.
 */
export async function writeCopy(
  target: BlobStore,
  bytes: number,
  signal: AbortSignal,
  progress: Pick<CopyProgress, 'begun'> | undefined,
  write: (writer: BlobWriter) => Promise<void>,
): Promise<string> {
  const writer = await target.write({ bytes, isReadBack: true });
  // A store that does not take what it is given is not waited for after the abort.
  const stop = () => void writer.abort().catch(() => undefined);
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (writer.key !== undefined) await progress?.begun(target.name, writer.key);
    await write(writer);
    signal.throwIfAborted();
    return (await writer.commit()).key;
  } catch (error) {
    await writer.abort();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
