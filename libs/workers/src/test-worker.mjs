// The worker of worker-pool.spec.ts. Plain JavaScript, because it runs in plain Node from where it lies.
import { setTimeout as sleep } from 'node:timers/promises';
import { serveWorker } from '#libs/workers';

let served = 0;
/** What it answered last. */
let last;

const handle = async (request) => {
  served += 1;
  switch (request.what) {
    case 'double':
      return {
        values: request.values.map((value) => value * 2),
        kind: request.values.constructor.name,
        pid: process.pid,
      };
    case 'echo':
      return request;
    case 'spend':
      last = request;
      return request;
    case 'what-is-left':
      return Object.fromEntries(Object.entries(last).map(([name, value]) => [name, value.length]));
    case 'lie':
      // As if it had answered, with what is not there.
      return process.send({ kind: 'answer', id: request.id, message: Buffer.alloc(0), lengths: [request.bytes] });
    case 'served':
      return { served, pid: process.pid };
    case 'environment':
      return { environment: { ...process.env }, execArgv: process.execArgv };
    case 'throw':
      throw Object.assign(new Error('the frame is damaged'), { code: 'malformed' });
    case 'exit':
      return process.exit(7);
    case 'abort':
      return process.abort();
    case 'loop':
      for (;;);
    case 'never':
      return sleep(2 ** 30);
    case 'swell-native': {
      const kept = [];
      for (;;) kept.push(Buffer.alloc(16 * 2 ** 20, 1));
    }
    case 'swell-and-answer':
      globalThis.kept = Buffer.alloc(request.bytes, 1);
      return 'grown';
    case 'swell-heap': {
      const kept = [];
      for (;;) kept.push(new Array(1000).fill(kept.length));
    }
    case 'uncloneable':
      return () => 1;
    default:
      throw new Error(`unknown request ${request.what}`);
  }
};

serveWorker(handle, {
  spent: ({ what }, response) => (what === 'spend' ? Object.values(response).filter(ArrayBuffer.isView) : []),
});
