import type { FastifyReply } from 'fastify';
import { type DicomJson, toNativeDicomXml } from '#libs/dicom';
import type { Representation } from '../wire/negotiate-accept.js';
import { type Part, writeMultipart } from '../wire/write-multipart.js';

/** PS3.18 8.7.3.2, for search results. */
export const representations: readonly Representation[] = [
  { mediaType: 'application/dicom+json', isMultipart: false },
  { mediaType: 'application/json', isMultipart: false },
  { mediaType: 'application/dicom+xml', isMultipart: true },
];

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
  // Bytes, not text: for text Fastify adds a charset, and clients compare the media type letter by letter.
  const json = Buffer.from(`[${results.join(',')}]`);
  void reply.header('content-type', mediaType).send(json);
}

async function* xmlParts(results: readonly string[], mediaType: string): AsyncGenerator<Part> {
  for (const result of results)
    yield { contentType: mediaType, body: Buffer.from(toNativeDicomXml(JSON.parse(result) as DicomJson)) };
}
