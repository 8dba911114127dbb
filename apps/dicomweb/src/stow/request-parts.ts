import type { IncomingPart } from '#libs/archive';
import type { Config } from '#libs/config';
import { DicomError } from '#libs/dicom';
import { HttpProblem } from '#libs/server';
import { type MediaType, parseMediaType } from '../wire/parse-media-type.js';
import { type MultipartPart, readMultipart } from '../wire/read-multipart.js';
import { WireError } from '../wire/wire-error.js';
import { BulkDataParts } from './bulk-data-parts.js';
import { failedBody } from './failed-body.js';
import { asDataset, jsonSource, metadataInstances, type MetadataSource, xmlSource } from './metadata-instances.js';
import { splitJson } from './split-json.js';
import { Spool } from './spool.js';

// RFC 2046 5.1.1 has at most 70 characters; a longer one is somebody's experiment with our search.
const boundaryCharactersMax = 70;

/** A request that stores: its Content-Type, and its body as it comes. */
export interface StoreRequest {
  contentType: string;
  /** A chunk is good until the next is asked for. */
  body: AsyncIterable<Uint8Array>;
  /** The body of `application/dicom+json`, which was parsed already. */
  json: unknown;
  /** What relative addresses of bulk data are relative to. */
  baseUrl: string;
}

export interface RequestLimits {
  readonly limits: Config['limits'];
  /** Where bulk data waits for its metadata. */
  readonly spoolFolder: string;
}

/**
 * The instances of a store request in any of its forms (PS3.18 10.5.2, 8.7.3): Part 10 objects, one or many; metadata
 * in JSON or XML with its bulk data behind it, or alone.
 * @throws HttpProblem 415 and 400 for a Content-Type that cannot be stored; while parts are read, WireError and the
 * errors of limits
 */
export function requestParts(request: StoreRequest, limits: RequestLimits): AsyncIterable<IncomingPart> {
  const mediaType = parseMediaType(request.contentType);
  switch (mediaType?.type) {
    case 'application/dicom':
      return onePart(request.body);
    case 'application/dicom+json':
      return metadataInstances(parsedSources(request.json), new BulkDataParts(request.baseUrl), undefined);
    case 'application/dicom+xml':
      return metadataInstances(xmlBody(request.body, limits), new BulkDataParts(request.baseUrl), undefined);
    case 'multipart/related':
      return multipartParts(request, mediaType, limits);
    default:
      throw unsupported(`Content-Type ${JSON.stringify(request.contentType)}`);
  }
}

function multipartParts(
  { body, baseUrl }: StoreRequest,
  mediaType: MediaType,
  requestLimits: RequestLimits,
): AsyncIterable<IncomingPart> {
  const type = mediaType.parameters.get('type')?.toLowerCase() ?? 'application/dicom';
  const isMetadata = type === 'application/dicom+json' || type === 'application/dicom+xml';
  if (!isMetadata && type !== 'application/dicom') throw unsupported(`multipart/related of type ${type}`);
  const boundary = mediaType.parameters.get('boundary') ?? '';
  if (boundary === '' || boundary.length > boundaryCharactersMax) {
    throw new HttpProblem(
      400,
      'Bad Content-Type',
      `multipart/related needs a boundary of 1 to ${boundaryCharactersMax} characters.`,
    );
  }
  const { stowPartsMax: partsMax, stowPartHeaderBytesMax: headerBytesMax } = requestLimits.limits;
  const parts = readMultipart(body, boundary, { partsMax, headerBytesMax });
  return isMetadata ? metadataWithBulkData(parts, type, baseUrl, requestLimits) : objects(parts);
}

async function* onePart(body: AsyncIterable<Uint8Array>): AsyncGenerator<IncomingPart, void> {
  yield { number: 1, body };
}

const nested = new DicomError(
  'not-dicom',
  'It is a multipart of its own; each instance is sent as a part of the request',
);

/** Whatever their Content-Type says, what they are is seen in their bytes; but parts within a part are no object. */
async function* objects(parts: AsyncGenerator<MultipartPart, void>): AsyncGenerator<IncomingPart, void> {
  for await (const part of parts) {
    const isNested = /^\s*multipart\//i.test(part.headers.get('content-type') ?? '');
    yield isNested ? { number: part.number, body: failedBody(nested) } : part;
  }
}

/** Metadata waits in memory and bulk data on disk until the last part has come: either may refer to any of the other. */
async function* metadataWithBulkData(
  parts: AsyncGenerator<MultipartPart, void>,
  type: string,
  baseUrl: string,
  { limits, spoolFolder }: RequestLimits,
): AsyncGenerator<IncomingPart, void> {
  const metadata: { number: number; type: string; text: Buffer }[] = [];
  const bulkData = new BulkDataParts(baseUrl);
  let metadataBytes = 0;
  let spool: Spool | undefined;
  try {
    for await (const part of parts) {
      const field = part.headers.get('content-type');
      const mediaType = parseMediaType(field ?? 'application/octet-stream');
      if (mediaType === undefined) throw new WireError(`The Content-Type of part ${part.number} is none`);
      // The first part is the root (RFC 2387), even if it forgets to say what it is.
      const isRoot = metadata.length === 0 && field === undefined;
      if (isRoot || isMetadataType(mediaType.type)) {
        const text = await readText(part.body, limits.stowMetadataBytesMax - metadataBytes);
        metadataBytes += text.length;
        metadata.push({ number: part.number, type: isRoot ? type : mediaType.type, text });
        continue;
      }
      spool ??= await Spool.open(spoolFolder, limits.stowSpooledBytesMax);
      const { offset, bytes } = await spool.append(part.body);
      const location = part.headers.get('content-location');
      bulkData.add({ offset, bytes, number: part.number, mediaType, location }, part.headers.get('content-id'));
    }
    if (metadata.length === 0)
      throw new WireError(`The request has no part of type ${type}: nothing says what to store`);
    yield* metadataInstances(await sourcesOf(metadata), bulkData, spool);
  } finally {
    await spool?.close();
  }
}

function isMetadataType(type: string): boolean {
  return type === 'application/dicom+json' || type === 'application/dicom+xml' || type === 'application/json';
}

async function sourcesOf(metadata: { number: number; type: string; text: Buffer }[]): Promise<MetadataSource[]> {
  const sources: MetadataSource[] = [];
  for (const { number, type, text } of metadata) {
    const name = `Part ${number}`;
    if (type === 'application/dicom+xml') {
      sources.push(xmlSource(name, text));
      continue;
    }
    const members = await splitJson(text);
    for (const [index, { start, end }] of members.entries()) {
      const isOne = members.length === 1;
      sources.push(jsonSource(isOne ? name : `${name}, dataset ${index + 1}`, text.subarray(start, end)));
    }
  }
  return sources;
}

function parsedSources(json: unknown): MetadataSource[] {
  const datasets: unknown[] = Array.isArray(json) ? json : [json];
  return datasets.map((dataset, index) => ({ name: `Dataset ${index + 1}`, read: () => asDataset(dataset) }));
}

async function* xmlBody(
  body: AsyncIterable<Uint8Array>,
  { limits }: RequestLimits,
): AsyncGenerator<MetadataSource, void> {
  yield xmlSource('The dataset', await readText(body, limits.stowMetadataBytesMax));
}

async function readText(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > bytesMax) {
      throw new HttpProblem(
        413,
        'Too much metadata',
        'The metadata of one request is larger than this server takes; send it in several.',
      );
    }
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

function unsupported(what: string): HttpProblem {
  return new HttpProblem(
    415,
    'Unsupported Media Type',
    `${what} cannot be stored; send multipart/related of type application/dicom, application/dicom+json or application/dicom+xml, or one of these alone.`,
    {},
    { accept: 'multipart/related, application/dicom, application/dicom+json, application/dicom+xml' },
  );
}
