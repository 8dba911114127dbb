import { lookup as resolve } from 'node:dns';
import { type ClientRequest, request as requestClear, type RequestOptions } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { AllowedAddresses } from './allowed-address.js';

/**
 * Begins a request to where somebody wants us to send. Where that is, is decided by the addresses that the name has at this
 * moment: they are checked when they are resolved and again once connected, so that a name which changes its mind gains
 * nothing. Redirects are not followed: they are answers like any other.
 *
 * @param refused the error for an address that is not allowed
 * @throws what `refused` gives, or ends the request with it
 */
export function checkedRequest(
  url: URL,
  options: RequestOptions,
  addresses: AllowedAddresses,
  refused: (address: string) => Error,
): ClientRequest {
  const isClear = url.protocol === 'http:';
  const isAllowed = (address: string) => addresses.has(address, isClear);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(host) !== 0 && !isAllowed(host)) throw refused(host);
  const request = (isClear ? requestClear : requestSecure)(url, {
    ...options,
    // A connection of its own: none that was made for another address.
    agent: false,
    lookup: checkedLookup(isAllowed, refused),
  });
  request.on('socket', (socket) => {
    socket.once('connect', () => {
      const address = socket.remoteAddress ?? '';
      if (!isAllowed(address)) request.destroy(refused(address));
    });
  });
  return request;
}

function checkedLookup(isAllowed: (address: string) => boolean, refused: (address: string) => Error): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, '', 0);
      // One that is not allowed is one too many: which of them is connected to is not ours to say.
      const wrong = found.find(({ address }) => !isAllowed(address));
      if (wrong !== undefined || found.length === 0) return done(refused(wrong?.address ?? hostname), '', 0);
      if (options.all === true) done(null, found);
      else done(null, found[0]!.address, found[0]!.family);
    });
  };
}
