import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import { HttpProblem } from '#libs/server';
import { baseUrl } from '../wire/base-url.js';
import { describeRepresentation, negotiateAccept, type Representation } from '../wire/negotiate-accept.js';

/** The query string as it was sent, without the question mark: Fastify's own reading loses what QIDO-RS needs. */
export function searchOf(request: FastifyRequest): string {
  const url = request.raw.url ?? '';
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}

/** The root of our DICOMweb services as the client sees it, for absolute URLs. */
export function dicomwebUrlOf(request: FastifyRequest): string {
  const socket = request.raw.socket;
  const url = baseUrl({
    headers: request.headers,
    isEncrypted: (socket as Partial<TLSSocket>).encrypted === true,
    localAddress: socket.localAddress,
    localPort: socket.localPort,
  });
  return `${url}/dicom-web`;
}

/**
 * Chooses the form of the answer by the Accept header field and the `accept` query parameter.
 * @throws HttpProblem 406, saying what would be possible
 */
export function chooseRepresentation<R extends Representation>(request: FastifyRequest, possible: readonly R[]): R {
  // Who types `accept=application/dicom+json` into a URL means a plus sign, where a query string says space.
  const query = new URLSearchParams(searchOf(request)).get('accept')?.replaceAll(/(?<=\w) (?=\w)/g, '+');
  const chosen = negotiateAccept({ header: request.headers.accept, query }, possible);
  if (chosen !== undefined) return chosen;
  const descriptions = [...new Set(possible.map(describeRepresentation))];
  throw new HttpProblem(406, 'Not Acceptable', `This resource can be had as ${descriptions.join(' or as ')}.`, {
    possible: descriptions,
  });
}
