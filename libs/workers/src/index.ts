export { serveWorker } from './serve-worker.js';
export { WorkerError, type WorkerErrorCode } from './worker-error.js';
export { WorkerPool, type WorkerPoolOptions } from './worker-pool.js';
