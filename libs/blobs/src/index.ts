export { BlobError, type BlobErrorCode } from './blob-error.js';
export { isBlobKey, newBlobKey } from './blob-key.js';
export type { BlobStore, BlobWriter, StoredBlob } from './blob-store.js';
export { BlobStores, type TierName } from './blob-stores.js';
export { FilesystemBlobStore } from './filesystem-blob-store.js';
export { S3BlobStore, type S3Options } from './s3-blob-store.js';
