import { S3Client, type S3ClientConfig, type ServerSideEncryption, type StorageClass } from '@aws-sdk/client-s3';
import { BlobError } from './blob-error.js';

export interface S3Options {
  endpoint: string | undefined;
  region: string;
  bucket: string;
  /** Before every key, for a bucket shared with others. */
  prefix: string;
  /** undefined: the machine's role, as the SDK finds it. */
  credentials: { accessKeyId: string; secretAccessKey: string } | undefined;
  forcePathStyle: boolean;
  /** Of new objects; undefined: the bucket's default. */
  storageClass: string | undefined;
  /** Set where objects of the class must be restored before they are read. */
  archive?: S3ArchiveOptions | undefined;
  encryption?: { algorithm: string; keyId?: string | undefined } | undefined;
  /** Milliseconds without a byte after which a request is given up; 30 seconds when absent. */
  idleMilliseconds?: number | undefined;
  /** Tries a request has; 4 when absent. */
  attempts?: number | undefined;
}

export interface S3ArchiveOptions {
  /** How an object gets into the class: by a copy onto itself, or by a lifecycle rule of the bucket. */
  by: 'copy' | 'lifecycle';
  restoreDays: number;
  restoreTier: 'Expedited' | 'Standard' | 'Bulk';
}

/** What an endpoint was seen to do. What it does not do is not relied on. */
export interface S3Features {
  /** `If-None-Match: *` of a PUT refuses to overwrite. */
  conditionalPut: boolean;
  /** The same of the end of a multipart upload. */
  conditionalComplete: boolean;
  /** `x-amz-checksum-*` is kept and given back. */
  checksums: boolean;
}

export const noFeatures: S3Features = { conditionalPut: false, conditionalComplete: false, checksums: false };

export const connectMilliseconds = 5_000;
/** Between bytes, not in all: a large object on a slow line is no failure. */
export const idleMillisecondsOf = (options: S3Options): number => options.idleMilliseconds ?? 30_000;

/** @param requestHandler who sends what is signed, when it is not the SDK itself */
export function createClient(options: S3Options, requestHandler?: S3ClientConfig['requestHandler']): S3Client {
  return new S3Client({
    region: options.region,
    forcePathStyle: options.forcePathStyle,
    maxAttempts: options.attempts ?? 4,
    // Not every S3 server knows the SDK's newer default checksums; we ask for them where the self-test saw them kept.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: requestHandler ?? {
      connectionTimeout: connectMilliseconds,
      socketTimeout: idleMillisecondsOf(options),
      httpAgent: { maxSockets: 64, keepAlive: true },
      httpsAgent: { maxSockets: 64, keepAlive: true },
    },
    ...(options.endpoint !== undefined && { endpoint: options.endpoint }),
    // A copy: the SDK writes on what it is given, and ours is frozen.
    ...(options.credentials !== undefined && { credentials: { ...options.credentials } }),
  });
}

/**
 * Bodies of this client's requests are not hashed for their signature: for what is read back and compared in any case, and
 * would cost a hash here and one there.
 */
export function createUnsignedClient(options: S3Options): S3Client {
  const client = createClient(options);
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      if ('Body' in args.input) headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      return next(args);
    },
    { step: 'build', name: 'unsignedPayload' },
  );
  return client;
}

/** What a new object is to be: its class and how it is encrypted. An archived one begins in the bucket's own class. */
export function newObject({ storageClass, archive, encryption }: S3Options) {
  return {
    ContentType: 'application/octet-stream',
    ...(storageClass !== undefined && archive === undefined && { StorageClass: storageClass as StorageClass }),
    ...encrypted(encryption),
  };
}

export function encrypted(encryption: S3Options['encryption']) {
  return {
    ...(encryption !== undefined && { ServerSideEncryption: encryption.algorithm as ServerSideEncryption }),
    ...(encryption?.keyId !== undefined && { SSEKMSKeyId: encryption.keyId }),
  };
}

/** An error of S3 in our terms. */
export function wrapS3(error: unknown, what: string): BlobError {
  if (error instanceof BlobError) return error;
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  if (name === 'NoSuchKey' || name === 'NotFound' || (status === 404 && name !== 'NoSuchBucket')) {
    return new BlobError('blob-not-found', `${what}: it is not there`, { cause: error });
  }
  if (name === 'InvalidObjectState')
    return new BlobError('blob-archived', `${what}: it is archived and must be restored first`, { cause: error });
  if (name === 'InvalidRange' || status === 416)
    return new BlobError('blob-invalid-range', `${what}: the range is beyond its end`, { cause: error });
  if (name === 'QuotaExceeded' || status === 507)
    return new BlobError('blob-no-space', `${what}: the bucket's quota is used up`, { cause: error });
  return new BlobError('blob-unavailable', `${what}: ${told(name, message, status)}`, { cause: error });
}

/** To a HEAD there is a status and nothing else: the SDK then calls it unknown. */
function told(name: string, message: string, status: number | undefined): string {
  if (!/^(Unknown|UnknownError|[0-9]{3})$/.test(name)) return `${name} ${message}`;
  const isRefused = status === 401 || status === 403;
  return `the endpoint answered ${status}${isRefused ? ': the keys, or what they may do, are not right' : ''}`;
}
