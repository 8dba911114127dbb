import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import {
  memoryLimitVariable,
  outOfMemoryMark,
  parentVariable,
  sharedFileDescriptor,
  sharedFileVariable,
} from './messages.js';
import type { Content, WorkRequest, WorkerMessage } from './messages.js';
import { giveBack } from './give-back.js';
import { pack, unpack } from './parcel.js';
import { SharedFile } from './shared-file.js';

export interface WorkerModuleOptions<Request, Response> {
  /** Of a request and its response, the arrays that nothing keeps: their memory is given back once the answer is sent. */
  spent?: (request: Request, response: Response) => readonly ArrayBufferView[];
}

/**
 * Declares what a worker module does; call it once, at the module's top level, in a module that a {@link WorkerPool}
 * starts as a process of its own. One request is handled at a time. What the handler throws fails that request only
 * (code `failed`, with the message and the `code` of what was thrown); the process goes on.
 *
 * @param handler Requests and responses are copied as by structuredClone; typed arrays and Buffers are welcome.
 * @throws Error when the module was not started by a pool.
 */
export function serveWorker<Request, Response>(
  handler: (request: Request) => Response | Promise<Response>,
  options: WorkerModuleOptions<Request, Response> = {},
): void {
  if (!process.send) throw new Error('This module is a worker: a WorkerPool starts it, it does not run by itself.');

  watchOver();
  // Without the parent there is nobody to answer to. Not by exit(), which waits for what other threads compute.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.on('message', (message: WorkRequest) => {
    void answer(handler, options, message);
  });
  send({ kind: 'ready' });
}

async function answer<Request, Response>(
  handler: (request: Request) => Response | Promise<Response>,
  { spent }: WorkerModuleOptions<Request, Response>,
  { id, ...content }: WorkRequest,
): Promise<void> {
  try {
    const request = valueOf(content) as Request;
    const response = await handler(request);
    endIfOverLimit();
    // Copied, into the shared file or the channel, before either returns.
    send({ kind: 'answer', id, ...contentOf(response) });
    spent?.(request, response).forEach(giveBack);
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    send({
      kind: 'failure',
      id,
      message: error instanceof Error ? error.message : String(error),
      code: typeof code === 'string' ? code : undefined,
    });
  }
}

const shared = process.env[sharedFileVariable] === undefined ? undefined : SharedFile.inherited(sharedFileDescriptor);

function valueOf(content: Content): unknown {
  if ('value' in content) return content.value;
  if (shared === undefined) throw new Error('The request names memory that is not shared.');
  return unpack(content.message, shared.takeSync(content.lengths));
}

function contentOf(value: unknown): Content {
  if (shared === undefined) return { value };
  const { message, arrays } = pack(value);
  if (arrays.length > 0 && !shared.putSync(arrays)) return { value };
  return { message, lengths: arrays.map(({ length }) => length) };
}

/**
 * An overrun in the last milliseconds of a request, which the watching thread has not seen yet, is still this request's
 * and not the next one's.
 */
function endIfOverLimit(): void {
  const bytes = process.memoryUsage.rss();
  if (bytes <= Number(process.env[memoryLimitVariable])) return;
  writeSync(2, `${outOfMemoryMark} (${bytes} bytes)\n`);
  process.kill(process.pid, 'SIGKILL');
}

function send(message: WorkerMessage): void {
  // The channel may close while we compute: the 'disconnect' handler then ends this process.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/**
 * A thread beside the main one, because a decoder that loops or swells never comes back to the event loop: it sees that
 * the process went over its memory limit (V8's own limit knows nothing of WebAssembly or native memory), or that the
 * parent died (even by SIGKILL), and kills the process.
 */
function watchOver(): void {
  const watch = new Worker(watchSource, {
    eval: true,
    env: {},
    workerData: {
      memoryBytesMax: Number(process.env[memoryLimitVariable]),
      parent: Number(process.env[parentVariable]),
      outOfMemoryMark,
    },
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
  });
  watch.unref();
}

/** Every 25 ms: at the speed memory can be filled (some GB/s), an overrun is seen before it is much more than 100 MB. */
const watchSource = `
const { workerData } = require('node:worker_threads');
const { writeSync } = require('node:fs');
setInterval(() => {
  const bytes = process.memoryUsage.rss();
  if (bytes > workerData.memoryBytesMax) {
    try { writeSync(2, workerData.outOfMemoryMark + ' (' + bytes + ' bytes)\\n'); } finally { process.kill(process.pid, 'SIGKILL'); }
  }
  if (process.ppid !== workerData.parent) process.kill(process.pid, 'SIGKILL');
}, 25);
`;
