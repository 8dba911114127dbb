import type { Readable } from 'node:stream';

/** What a finished blob is: its key in the store, and what its bytes are. */
export interface StoredBlob {
  key: string;
  bytes: number;
  /** SHA-256 of the bytes. */
  sha256: Buffer;
}

/** Takes a blob's bytes as they come. Nothing is visible before commit; abort, or a crash, leaves nothing that is. */
export interface BlobWriter {
  /** Bytes written so far. */
  readonly bytes: number;
  /**
   * Resolves when more may come. The chunk is kept a while: its bytes must not change.
   * @throws BlobError, of this chunk or of one before
   */
  write(chunk: Uint8Array): Promise<void>;
  /** SHA-256 of the bytes so far. Only where none but all of them was ever taken back. */
  digest(): Buffer;
  /**
   * Takes back what came after the first `bytes` bytes.
   * @throws BlobError 'blob-unsupported' where the store cannot
   */
  truncate(bytes: number): Promise<void>;
  /** Resolves when the blob is durable under its key. @throws BlobError, and then nothing is stored */
  commit(): Promise<StoredBlob>;
  abort(): Promise<void>;
}

/**
 * Immutable bytes under random keys. A blob is written once, never changed, and deleted whole. No text of a dataset is
 * ever part of a key.
 */
export interface BlobStore {
  /** Names the store in the table `location`. */
  readonly name: string;
  write(): Promise<BlobWriter>;
  /** @throws BlobError 'blob-not-found' */
  read(key: string): Promise<Readable>;
  /** @throws BlobError 'blob-not-found', or 'blob-invalid-range' beyond the blob's end */
  readRange(key: string, offset: number, length: number): Promise<Readable>;
  /** Fills `target`, which is not empty, with what is at `offset`. @throws BlobError as readRange */
  readInto(key: string, offset: number, target: Uint8Array): Promise<void>;
  head(key: string): Promise<{ bytes: number } | undefined>;
  /** Deleting what is not there is success. */
  delete(key: string): Promise<void>;
  list(): AsyncIterable<{ key: string; bytes: number; modifiedAt: Date }>;
  /** Rejects when the store does not work: for readiness. */
  probe(): Promise<void>;
}
