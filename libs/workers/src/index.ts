export { giveBack } from './give-back.js';
export { serveWorker, type WorkerModuleOptions } from './serve-worker.js';
export { WorkerError, type WorkerErrorCode } from './worker-error.js';
export { WorkerPool, type WorkerPoolOptions } from './worker-pool.js';
