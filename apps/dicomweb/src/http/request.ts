import type { FastifyRequest } from 'fastify';
import { dicomwebUrlOf, HttpProblem } from '#libs/server';
import {
  type Acceptable,
  describeRepresentation,
  negotiateAccept,
  type Representation,
} from '../wire/negotiate-accept.js';

export { dicomwebUrlOf };

/** The query string as it was sent, without the question mark: Fastify's own reading loses what QIDO-RS needs. */
export function searchOf(request: FastifyRequest): string {
  const url = request.raw.url ?? '';
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}

/** What the request takes, by its Accept header field and its `accept` query parameter. */
export function acceptableOf(request: FastifyRequest): Acceptable {
  const search = searchOf(request);
  if (search === '') return { header: request.headers.accept, query: undefined };
  // Who types `accept=application/dicom+json` into a URL means a plus sign, where a query string says space.
  const query = new URLSearchParams(search).get('accept')?.replaceAll(/(?<=\w) (?=\w)/g, '+');
  return { header: request.headers.accept, query };
}

/**
 * Chooses the form of the answer by the Accept header field and the `accept` query parameter.
 * @throws HttpProblem 406, saying what would be possible
 */
export function chooseRepresentation<R extends Representation>(request: FastifyRequest, possible: readonly R[]): R {
  const chosen = negotiateAccept(acceptableOf(request), possible);
  if (chosen === undefined) throw notAcceptable(possible);
  return chosen;
}

/** @param possible what the resource can be had as; not empty */
export function notAcceptable(possible: readonly Representation[]): HttpProblem {
  const descriptions = [...new Set(possible.map(describeRepresentation))];
  return new HttpProblem(406, 'Not Acceptable', `This resource can be had as ${descriptions.join(' or as ')}.`, {
    possible: descriptions,
  });
}

/** A Warning header field (PS3.18 8.4.2): plain ASCII, since clients put it into their logs. */
export function warningOf(request: FastifyRequest, text: string): string {
  return `299 ${dicomwebUrlOf(request)}: ${text.replaceAll(/[^\x20-\x7e]/g, '?')}`;
}
