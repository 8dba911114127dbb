import type { Readable } from 'node:stream';

/** What a finished blob is: its key in the store, and what its bytes are. */
export interface StoredBlob {
  key: string;
  bytes: number;
  /** SHA-256 of the bytes. */
  sha256: Buffer;
}

/** What an object within a blob is known by. */
export interface ObjectDigests {
  /** SHA-256 of all of it. */
  sha256: Uint8Array;
  /** SHA-256 of its dataset: of everything behind preamble and File Meta, as it was sent. */
  datasetSha256: Uint8Array;
}

/** Takes a blob's bytes as they come. Nothing is visible before commit; abort, or a crash, leaves nothing that is. */
export interface BlobWriter {
  /** Bytes written so far. */
  readonly bytes: number;
  /** The key it will have, where that is settled before it is committed. */
  readonly key?: string;
  /**
   * Resolves when more may come; the chunk's memory is the caller's again.
   * @throws BlobError, of this chunk or of one before
   */
  write(chunk: Uint8Array): Promise<void>;
  /** What is written from here on, up to {@link endObject}, is an object that has digests of its own. */
  beginObject(): void;
  /** The dataset of the object begins here, and reaches to the object's end. */
  beginDataset(): void;
  endObject(): void;
  /** Of the objects that have ended and were not taken back, in their order. Also after commit. @throws BlobError */
  digests(): Promise<ObjectDigests[]>;
  /**
   * Takes back what came after the first `bytes` bytes, and the digests of objects that end there. Where it was sent already
   * its bytes stay, and `bytes` with them: the next object begins behind what nobody refers to.
   * @throws BlobError
   */
  truncate(bytes: number): Promise<void>;
  /** Resolves when the blob is durable under its key. @throws BlobError, and then nothing is stored */
  commit(): Promise<StoredBlob>;
  abort(): Promise<void>;
}

/** What is known of a blob before its first byte. */
export interface WriteOptions {
  /** How many bytes it will have, about: what is large is sent in larger parts. */
  bytes?: number;
  /** It will be read back and compared: a store that would hash only for us need not. What commit says of it is then empty. */
  isReadBack?: boolean;
}

/** How a blob is read that nobody wants but its digests. */
export interface DigestOptions {
  /** Bytes of each of the pieces, none of them empty, that have digests of their own and lie one behind the other from the first byte. */
  pieces?: readonly number[];
  /** Whether a blob in pieces is hashed as one, too, which costs as much again. */
  isWhole?: boolean;
  signal?: AbortSignal;
  /** Told of bytes as they were read; it may keep the reading waiting. What it throws ends it. */
  take?: (bytes: number) => Promise<void> | void;
}

export interface BlobDigest {
  bytes: number;
  /** SHA-256 of all of them; undefined where it was hashed in pieces alone. */
  sha256: Buffer | undefined;
  /** SHA-256 of each piece of which all bytes are there. */
  pieces: Buffer[];
}

/** What a store says of a blob that it does not give. */
export interface ArchivedBlob {
  /** Undefined where the store does not tell of what is archived. */
  bytes: number | undefined;
  /** SHA-256 as the store computed it, or as it was put beside the blob; undefined where it has neither. */
  sha256: Buffer | undefined;
}

/** Of a store whose blobs can be read only after they were restored. */
export interface ArchiveClass {
  /** How long after a request what is asked for is there, about: for who is told to ask again. */
  readonly restoreSeconds: number;
  /**
   * Puts a blob that was written and read back into the class, and its digest beside it.
   * @param sha256 of its bytes
   * @throws BlobError
   */
  archive(key: string, sha256: Uint8Array): Promise<void>;
  /** What can be said of a blob without restoring it; undefined when it is not there. @throws BlobError */
  describe(key: string): Promise<ArchivedBlob | undefined>;
  /** Asks for a blob to be made readable for some days; asking again is no harm. @throws BlobError */
  restore(key: string): Promise<void>;
  /** @throws BlobError 'blob-not-found' */
  stateOf(key: string): Promise<'archived' | 'restoring' | 'readable'>;
}

/**
 * Immutable bytes under random keys. A blob is written once, never changed, and deleted whole. No text of a dataset is
 * ever part of a key.
 */
export interface BlobStore {
  /** Names the store in the table `location`. */
  readonly name: string;
  /** There where what is in the store must be restored before it is read. */
  readonly archive?: ArchiveClass | undefined;
  /** Many short reads cost no more than a long one. */
  readonly isLocal?: boolean;
  /** The chunks of its streams are the reader's, their memory too: it may be given back as soon as they are read. */
  readonly givesChunksAway?: boolean;
  write(options?: WriteOptions): Promise<BlobWriter>;
  /** @throws BlobError 'blob-not-found', 'blob-archived' */
  read(key: string): Promise<Readable>;
  /** @throws BlobError 'blob-not-found', or 'blob-invalid-range' beyond the blob's end */
  readRange(key: string, offset: number, length: number): Promise<Readable>;
  /** Fills `target`, which is not empty, with what is at `offset`. @throws BlobError as readRange */
  readInto(key: string, offset: number, target: Uint8Array): Promise<void>;
  /**
   * Reads a blob from its first byte to its last and says what it is by its digests; beside the event loop, which hears of
   * some megabytes at a time. @throws BlobError as read; the signal's reason; what `take` throws
   */
  digest(key: string, options?: DigestOptions): Promise<BlobDigest>;
  head(key: string): Promise<{ bytes: number } | undefined>;
  /** Deleting what is not there is success. */
  delete(key: string): Promise<void>;
  list(): AsyncIterable<{ key: string; bytes: number; modifiedAt: Date }>;
  /** Takes away what writers that are gone had begun before `before`. @returns how many */
  clearStaging?(before: Date): Promise<number>;
  /** Rejects when the store does not work: for readiness. */
  probe(): Promise<void>;
  /** What is left on its file system; undefined where a store has no end that can be asked for. */
  space?(): Promise<{ bytesFree: number; bytesTotal: number }>;
}
