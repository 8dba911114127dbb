import { BlobError } from './blob-error.js';

/** What the file system says, as the stores say it. */
export function wrap(error: unknown, what: string): BlobError {
  if (error instanceof BlobError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new BlobError('blob-not-found', `${what}: it is not there`, { cause: error });
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new BlobError('blob-no-space', `${what}: no space left`, { cause: error });
  return new BlobError('blob-unavailable', `${what}: ${(error as Error).message}`, { cause: error });
}
