/** What the pool and its child processes say to each other over the IPC channel. */
export type WorkRequest = { id: number } & Content;

export type WorkerMessage =
  | { kind: 'ready' }
  | ({ kind: 'answer'; id: number } & Content)
  | { kind: 'failure'; id: number; message: string; code: string | undefined };

/** A value as it is; or its message (see pack), while its large arrays, of these lengths, lie in the shared file. */
export type Content = { value: unknown } | { message: Uint8Array; lengths: number[] };

/** Environment variables by which the pool hands a child its limits. */
export const memoryLimitVariable = 'ISOCENTER_WORKER_MEMORY_BYTES_MAX';
export const parentVariable = 'ISOCENTER_WORKER_PARENT';
/** Set where the child has inherited a shared file, under {@link sharedFileDescriptor}. */
export const sharedFileVariable = 'ISOCENTER_WORKER_SHARED_FILE';

/** Behind standard input, output, error, and the channel. */
export const sharedFileDescriptor = 4;

/** What a child writes to its standard error before it kills itself for memory; the pool looks for it. */
export const outOfMemoryMark = 'isocenter-worker: out of memory';
