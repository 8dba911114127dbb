import type { AllowedAddresses } from '../outbound/allowed-address.js';
import { checkedRequest } from '../outbound/checked-request.js';

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
 * Sends one delivery, where its addresses allow it. A redirect is an answer like any other that is not 2xx.
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
  const options = {
    method: 'POST',
    headers: {
      ...headers,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'user-agent': 'isocenter-webhooks',
    },
    signal: AbortSignal.any([signal, AbortSignal.timeout(secondsMax * 1000)]),
  };
  const request = checkedRequest(url, options, addresses, (address) => refusedAddress(address, isClear));
  const status = await new Promise<number>((done, fail) => {
    request.on('response', (response) => {
      // What it says is not for us, and not for who reads our records.
      response.resume();
      response.on('error', () => undefined);
      done(response.statusCode ?? 0);
      response.destroy();
    });
    request.on('error', (error) => fail(describe(error, signal)));
    request.end(body);
  });
  if (status >= 200 && status < 300) return status;
  const hint = status >= 300 && status < 400 ? ': redirects are not followed, give the address it leads to' : '';
  throw new WebhookError(`The receiver answered ${status}${hint}.`, status);
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
