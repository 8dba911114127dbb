import { lookup as resolve } from 'node:dns';
import { request as requestClear } from 'node:http';
import { request as requestSecure, type RequestOptions } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { AllowedAddresses } from './allowed-address.js';

const secondsMax = 10;

export class WebhookError extends Error {
  constructor(
    message: string,
    /** HTTP status, where there was an answer. */
    readonly status: number | null = null,
  ) {
    super(message);
  }
}

/**
 * Sends one delivery. Where to is decided by the addresses that the name has at this moment: they are checked when they
 * are resolved and again once connected, so that a name which changes its mind gains nothing. A redirect is not followed:
 * it is an answer like any other that is not 2xx.
 * @returns the status, 200 to 299
 * @throws WebhookError saying what was wrong; nothing of the answer's content
 */
export async function postWebhook(
  target: string,
  headers: Record<string, string>,
  body: string,
  addresses: AllowedAddresses,
  signal: AbortSignal,
): Promise<number> {
  const url = new URL(target);
  const isClear = url.protocol === 'http:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0 && !addresses.has(host, isClear)) throw refusedAddress(host, isClear);
  const options: RequestOptions = {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'isocenter-webhooks',
    },
    // A connection of its own: none that was made for another address.
    agent: false,
    lookup: checkedLookup(addresses, isClear),
    signal: AbortSignal.any([signal, AbortSignal.timeout(secondsMax * 1000)]),
  };
  const status = await new Promise<number>((done, fail) => {
    const request = (isClear ? requestClear : requestSecure)(url, options, (response) => {
      // What it says is not for us, and not for who reads our records.
      response.resume();
      response.on('error', () => undefined);
      done(response.statusCode ?? 0);
      response.destroy();
    });
    request.on('socket', (socket) => {
      socket.once('connect', () => {
        const address = socket.remoteAddress ?? '';
        if (!addresses.has(address, isClear)) request.destroy(refusedAddress(address, isClear));
      });
    });
    request.on('error', (error) => fail(describe(error, signal)));
    request.end(body);
  });
  if (status >= 200 && status < 300) return status;
  const hint = status >= 300 && status < 400 ? ': redirects are not followed, give the address it leads to' : '';
  throw new WebhookError(`The receiver answered ${status}${hint}.`, status);
}

function checkedLookup(addresses: AllowedAddresses, isClear: boolean): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, '', 0);
      // One that is not allowed is one too many: which of them is connected to is not ours to say.
      const refused = found.find(({ address }) => !addresses.has(address, isClear));
      if (refused !== undefined || found.length === 0) {
        return done(refusedAddress(refused?.address ?? hostname, isClear), '', 0);
      }
      if (options.all === true) done(null, found);
      else done(null, found[0]!.address, found[0]!.family);
    });
  };
}

function refusedAddress(address: string, isClear: boolean): WebhookError {
  return new WebhookError(
    isClear
      ? `Nothing is sent over http to ${address}: use https, or name its network in ISOCENTER_WEBHOOK_NETWORKS.`
      : `Nothing is sent to ${address}, which is not of the public internet, unless ISOCENTER_WEBHOOK_NETWORKS names its network.`,
  );
}

function describe(error: Error & { code?: string }, signal: AbortSignal): Error {
  if (error instanceof WebhookError) return error;
  if (signal.aborted) return error;
  if (error.name === 'TimeoutError' || error.name === 'AbortError') {
    return new WebhookError(`The receiver did not answer in ${secondsMax} s.`);
  }
  return new WebhookError(`The receiver could not be reached: ${error.code ?? error.message}.`);
}
