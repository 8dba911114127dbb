/** What the pool and its child processes say to each other over the IPC channel. */
export interface WorkRequest {
  id: number;
  request: unknown;
}

export type WorkerMessage =
  | { kind: 'ready' }
  | { kind: 'answer'; id: number; response: unknown }
  | { kind: 'failure'; id: number; message: string; code: string | undefined };

/** Environment variables by which the pool hands a child its limits. */
export const memoryLimitVariable = 'ISOCENTER_WORKER_MEMORY_BYTES_MAX';
export const parentVariable = 'ISOCENTER_WORKER_PARENT';

/** What a child writes to its standard error before it kills itself for memory; the pool looks for it. */
export const outOfMemoryMark = 'isocenter-worker: out of memory';
