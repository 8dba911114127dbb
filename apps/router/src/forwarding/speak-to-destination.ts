import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AllowedAddresses } from '../outbound/allowed-address.js';
import { checkedRequest } from '../outbound/checked-request.js';
import type { DestinationAccess } from './destination.js';

/** Silence on the connection, in either direction. */
const idleSecondsMax = 120;
const answerBytesMax = 8 * 1024 ** 2;

/** Of hospitals' own networks; never link-local, where clouds keep their machines' secrets. */
const privateNetworks = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::1',
  'fc00::/7',
];
const anywhere = new AllowedAddresses([]);
const privateToo = new AllowedAddresses(privateNetworks);

export class ForwardError extends Error {
  constructor(
    message: string,
    /** Whether trying again could help. */
    readonly isLasting = false,
  ) {
    super(message);
  }
}

export interface DestinationAnswer {
  status: number;
  text: string;
}

/**
 * One request to another archive, its body streamed as fast as that takes it. Neither its name nor a redirect leads into a
 * network the destination is not allowed in.
 * @throws ForwardError saying what was wrong
 */
export async function speakToDestination(
  destination: DestinationAccess,
  path: string,
  options: { method: 'GET' | 'POST'; headers: Record<string, string>; body?: AsyncIterable<Uint8Array> },
  signal: AbortSignal,
): Promise<DestinationAnswer> {
  const url = new URL(`${destination.url}${path}`);
  const isClear = url.protocol === 'http:';
  const addresses = destination.allowsPrivateAddresses ? privateToo : anywhere;
  const given = {
    method: options.method,
    headers: {
      ...options.headers,
      'user-agent': 'isocenter-forward',
      ...(destination.authorization !== null && { authorization: destination.authorization }),
    },
    signal,
    timeout: idleSecondsMax * 1000,
  };
  try {
    const request = checkedRequest(url, given, addresses, (address) => refusedAddress(address, isClear));
    request.on('timeout', () => request.destroy(new ForwardError(`It was silent for ${idleSecondsMax} s.`)));
    const answered = new Promise<IncomingMessage>((done, fail) => {
      request.once('response', done);
      request.once('error', fail);
    });
    // What goes wrong with the body ends the request, which says so; who refuses early need not take the rest.
    if (options.body === undefined) request.end();
    else pipeline(Readable.from(options.body), request).catch(() => undefined);
    const response = await answered;
    const text = await readText(response);
    request.destroy();
    return { status: response.statusCode ?? 0, text };
  } catch (error) {
    throw describe(error as Error & { code?: string }, signal);
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > answerBytesMax) {
      response.destroy();
      throw new ForwardError(`It answered with more than ${answerBytesMax} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refusedAddress(address: string, isClear: boolean): ForwardError {
  const what = isClear ? 'is spoken to over http only' : 'is not of the public internet and spoken to only';
  return new ForwardError(`${address} ${what} if the destination has "allowsPrivateAddresses".`, true);
}

function describe(error: Error & { code?: string }, signal: AbortSignal): Error {
  if (error instanceof ForwardError || signal.aborted) return error;
  return new ForwardError(`It could not be reached: ${error.code ?? error.message}.`);
}
