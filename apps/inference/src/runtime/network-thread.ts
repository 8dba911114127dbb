import { parentPort } from 'node:worker_threads';
import { LocalNetworks, type Network } from './networks.js';
import { buffersOf, type ErrorAsSent, type NetworkAnswer, type NetworkRequest } from './networks-messages.js';

/*
 * The thread of the process that runs models on which networks run, one batch after the other. Pictures are decoded, made ready and
 * concluded on the process's first thread meanwhile, and what waits is chosen here, so that the next batch begins when one ends.
 */

if (!parentPort) throw new Error('This module is a thread: ThreadNetworks starts it, it does not run by itself.');
const port = parentPort;
const networks = new LocalNetworks();
const uses = new Map<number, { network: Network; close: () => void }>();

port.on('message', (request: NetworkRequest) => {
  if (request.kind === 'open') void open(request);
  else if (request.kind === 'run') void run(request);
  else uses.get(request.use)?.close();
});

async function open({ use, model, options }: Extract<NetworkRequest, { kind: 'open' }>): Promise<void> {
  try {
    await networks.use(
      model,
      options,
      (network) =>
        new Promise<void>((close) => {
          uses.set(use, { network, close });
          send({ kind: 'opened', use, description: network.describe() });
        }),
    );
  } catch (error) {
    send({ kind: 'not-opened', use, error: asSent(error) });
  } finally {
    uses.delete(use);
  }
}

async function run({ use, run: number, input, urgency }: Extract<NetworkRequest, { kind: 'run' }>): Promise<void> {
  try {
    const { network } = uses.get(use)!;
    const outputs = await network.run(input, urgency);
    const answer = { kind: 'answer', run: number, input, outputs, description: network.describe() } as const;
    send(answer, buffersOf([input, ...Object.values(outputs)]));
  } catch (error) {
    send({ kind: 'failure', run: number, input, error: asSent(error) }, buffersOf([input]));
  }
}

function send(answer: NetworkAnswer, buffers: ArrayBuffer[] = []): void {
  port.postMessage(answer, buffers);
}

function asSent(error: unknown): ErrorAsSent {
  const { message, code } = error as { message?: string; code?: unknown };
  return { message: message ?? String(error), code: typeof code === 'string' ? code : undefined };
}
