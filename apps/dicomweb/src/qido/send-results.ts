import type { FastifyReply } from 'fastify';
import { type DicomJson, toNativeDicomXml } from '#libs/dicom';
import { lastingOffers, type Representation } from '../wire/negotiate-accept.js';
import { type Part, writeMultipart } from '../wire/write-multipart.js';

/** PS3.18 8.7.3.2, for search results. */
export const representations: readonly Representation[] = lastingOffers<Representation>([
  { mediaType: 'application/dicom+json', isMultipart: false },
  { mediaType: 'application/json', isMultipart: false },
  { mediaType: 'application/dicom+xml', isMultipart: true },
]);

/** Sends results, each a data set as JSON text, as a JSON array, or as XML documents, one a part (PS3.18 10.6.3.3). */
export async function sendResults(
  reply: FastifyReply,
  results: readonly string[],
  { mediaType, isMultipart }: Representation,
): Promise<void> {
  void reply.header('cache-control', 'no-store');
  if (isMultipart) {
    const { contentType, body } = await writeMultipart(mediaType, xmlParts(results, mediaType));
    return void reply.header('content-type', contentType).send(body);
  }
  // Bytes, not text: for text Fastify adds a charset, and clients compare the media type letter by letter. One result at a
  // time, since a single letter beyond Latin-1 makes a text as a whole twice as long and slower to encode.
  const json = results.map((result, at) => Buffer.from(`${at === 0 ? '[' : ','}${result}`));
  json.push(Buffer.from(results.length === 0 ? '[]' : ']'));
  void reply.header('content-type', mediaType).send(Buffer.concat(json));
}

async function* xmlParts(results: readonly string[], mediaType: string): AsyncGenerator<Part> {
  for (const result of results)
    yield { contentType: mediaType, body: Buffer.from(toNativeDicomXml(JSON.parse(result) as DicomJson)) };
}
