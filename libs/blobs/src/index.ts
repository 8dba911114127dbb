export { BlobError, type BlobErrorCode } from './blob-error.js';
export { isBlobKey, newBlobKey } from './blob-key.js';
export type {
  ArchiveClass,
  ArchivedBlob,
  BlobDigest,
  BlobStore,
  BlobWriter,
  DigestOptions,
  ObjectDigests,
  StoredBlob,
  WriteOptions,
} from './blob-store.js';
export { BlobStores, type Prices, type StoreEntry, type TierName } from './blob-stores.js';
export { CachedBlobStore } from './cached-blob-store.js';
export { FilesystemBlobStore } from './filesystem-blob-store.js';
export { giveSlabBack, slabBytes, takeSlab } from './slabs.js';
export { S3BlobStore } from './s3-blob-store.js';
export type { S3ArchiveOptions, S3Options } from './s3-client.js';
export type { S3Check, S3SelfTest } from './s3-self-test.js';
