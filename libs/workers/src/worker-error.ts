/**
 * Why a request to a worker process failed.
 * - `failed`: the handler threw; `remoteCode` and the message are what it threw.
 * - `crashed`: the process ended in the middle of the request (or could not start).
 * - `timed-out`: no answer within the time limit; the process was killed.
 * - `out-of-memory`: the process went over its memory limit and was killed.
 * - `overloaded`: the queue was full, so the request was never started.
 * - `closed`: the pool was closed before the answer came.
 */
export type WorkerErrorCode = 'failed' | 'crashed' | 'timed-out' | 'out-of-memory' | 'overloaded' | 'closed';

/** A request to a {@link WorkerPool} that did not give an answer. Only that request is affected. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
  readonly code: WorkerErrorCode;
  /** The `code` of the error the handler threw, when it had one. */
  readonly remoteCode: string | undefined;
  /** Other requests that were with it in the process that ended: one of them may be to blame. */
  readonly companions: number;

  constructor(
    code: WorkerErrorCode,
    message: string,
    options?: { remoteCode?: string | undefined; companions?: number; cause?: unknown },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remoteCode = options?.remoteCode;
    this.companions = options?.companions ?? 0;
  }
}
