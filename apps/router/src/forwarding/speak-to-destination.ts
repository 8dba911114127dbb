import { lookup as resolve } from 'node:dns';
import { type IncomingMessage, request as requestClear, type RequestOptions } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AllowedAddresses } from '../webhooks/allowed-address.js';
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
 * One request to another archive, its body streamed as fast as that takes it. Which addresses its name has is looked at
 * when it is resolved and when it is connected, and redirects are not followed: neither leads into a network the
 * destination is not allowed in.
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
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0 && !addresses.has(host, isClear)) throw refusedAddress(host, isClear);
  const given: RequestOptions = {
    method: options.method,
    headers: {
      ...options.headers,
      'user-agent': 'isocenter-forward',
      ...(destination.authorization !== null && { authorization: destination.authorization }),
    },
    agent: false,
    lookup: checkedLookup(addresses, isClear),
    signal,
    timeout: idleSecondsMax * 1000,
  };
  try {
    const request = (isClear ? requestClear : requestSecure)(url, given);
    request.on('timeout', () => request.destroy(new ForwardError(`It was silent for ${idleSecondsMax} s.`)));
    request.on('socket', (socket) => {
      socket.once('connect', () => {
        const address = socket.remoteAddress ?? '';
        if (!addresses.has(address, isClear)) request.destroy(refusedAddress(address, isClear));
      });
    });
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

function checkedLookup(addresses: AllowedAddresses, isClear: boolean): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, '', 0);
      const refused = found.find(({ address }) => !addresses.has(address, isClear));
      if (refused !== undefined || found.length === 0) {
        return done(refusedAddress(refused?.address ?? hostname, isClear), '', 0);
      }
      if (options.all === true) done(null, found);
      else done(null, found[0]!.address, found[0]!.family);
    });
  };
}

function refusedAddress(address: string, isClear: boolean): ForwardError {
  const what = isClear ? 'is spoken to over http only' : 'is not of the public internet and spoken to only';
  return new ForwardError(`${address} ${what} if the destination has "allowsPrivateAddresses".`, true);
}

function describe(error: Error & { code?: string }, signal: AbortSignal): Error {
  if (error instanceof ForwardError || signal.aborted) return error;
  return new ForwardError(`It could not be reached: ${error.code ?? error.message}.`);
}
