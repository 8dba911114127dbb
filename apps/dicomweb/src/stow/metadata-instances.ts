import type { IncomingPart } from '#libs/archive';
import {
  type BulkData,
  DicomError,
  type DicomJson,
  encodePart10,
  explicitLittleEndian,
  jsonNumber,
  NativeDicomXmlReader,
  startsWithItem,
  transferSyntaxOf,
} from '#libs/dicom';
import { type BulkDataPart, BulkDataParts } from './bulk-data-parts.js';
import { failedBody } from './failed-body.js';
import { codestreamOf } from './jp2-codestream.js';
import { declaredSyntax, pixelDataSyntax, startBytesWanted } from './pixel-data-syntax.js';
import { splitFrames } from './split-frames.js';
import { type SpooledBytes, type Spool } from './spool.js';

const pixelDataTag = '7FE00010';
/** Small pieces of a header are sent on together. */
const batchBytes = 64 * 1024;

/** A dataset of a request's metadata, made when it is its turn. */
export interface MetadataSource {
  /** For messages, e.g. `Part 1`. */
  name: string;
  /** @throws DicomError */
  read(): DicomJson | Promise<DicomJson>;
}

/**
 * Instances from metadata and bulk data, as if they had come as Part 10 objects: bulk data is read from the spool as each
 * is written. What one of them lacks is its failure alone. Bulk data that belongs to none of them is told as failures of
 * its own, so that nothing is lost unsaid.
 */
export async function* metadataInstances(
  sources: AsyncIterable<MetadataSource> | Iterable<MetadataSource>,
  bulkData: BulkDataParts,
  spool: Spool | undefined,
): AsyncGenerator<IncomingPart, void> {
  let number = 0;
  for await (const source of sources) {
    number += 1;
    yield { number, name: source.name, body: objectBytes(source, bulkData, spool) };
  }
  for (const part of bulkData.unused) {
    number += 1;
    yield { number, name: `Part ${part.number}`, body: failedBody(unusedPart(part)) };
  }
}

async function* objectBytes(
  source: MetadataSource,
  bulkData: BulkDataParts,
  spool: Spool | undefined,
): AsyncGenerator<Buffer, void> {
  const metadata = await source.read();
  const pixelData = await findPixelData(metadata, bulkData, spool);
  // Of the server that the metadata was had from, not of the instance.
  const { '00083002': _available, ...dataset } = metadata;
  const pieces = encodePart10<SpooledBytes>(dataset, {
    transferSyntaxUid: pixelData.transferSyntaxUid,
    bulkData: (uri, tag) => {
      if (tag === pixelDataTag && pixelData.bulkData !== undefined) return pixelData.bulkData;
      const parts = bulkData.find(uri);
      return parts && { sources: parts };
    },
  });
  let batch: Buffer[] = [];
  let waiting = 0;
  for (;;) {
    let next: IteratorResult<Buffer | SpooledBytes, void>;
    try {
      next = pieces.next();
    } catch (error) {
      // What comes before the error names the instance.
      if (batch.length > 0) yield Buffer.concat(batch);
      throw error;
    }
    const piece = next.value;
    if (Buffer.isBuffer(piece)) {
      batch.push(piece);
      waiting += piece.length;
    }
    if (batch.length > 0 && (waiting >= batchBytes || !Buffer.isBuffer(piece))) {
      yield Buffer.concat(batch);
      batch = [];
      waiting = 0;
    }
    if (next.done === true) return;
    if (!Buffer.isBuffer(piece) && piece !== undefined && spool !== undefined) yield* spool.read(piece);
  }
}

interface PixelData {
  transferSyntaxUid: string;
  /** Undefined when it is in the metadata itself, or not there. */
  bulkData?: BulkData<SpooledBytes>;
}

async function findPixelData(dataset: DicomJson, parts: BulkDataParts, spool: Spool | undefined): Promise<PixelData> {
  const element = dataset[pixelDataTag];
  if (element?.InlineBinary !== undefined) return { transferSyntaxUid: compressedSyntax(dataset) };
  const uri = element?.BulkDataURI;
  const found = typeof uri === 'string' ? parts.find(uri) : undefined;
  const [first] = found ?? [];
  // Without its pixel data the object fails, by its UIDs, when it is written.
  if (found === undefined || first === undefined || spool === undefined) {
    return { transferSyntaxUid: explicitLittleEndian };
  }
  const start = await spool.peek({ offset: first.offset, bytes: Math.min(first.bytes, startBytesWanted) });
  // Pixel Data with its items around it is compressed, whatever its part forgot to say.
  const areItems = found.length === 1 && startsWithItem(start);
  const said = areItems && first.mediaType.type === 'application/octet-stream' ? declaredSyntax(dataset) : undefined;
  const transferSyntaxUid = said ?? pixelDataSyntax(first.mediaType, dataset, start);
  if (!transferSyntaxOf(transferSyntaxUid).encapsulated) return { transferSyntaxUid, bulkData: { sources: found } };
  if (areItems) {
    return { transferSyntaxUid, bulkData: { sources: [await withoutDelimiter(first, spool)], areItems: true } };
  }
  const numberOfFrames = jsonNumber(dataset, '00280008') ?? 1;
  if (found.length === 1 && numberOfFrames > 1) {
    const frames = await splitFrames(first, numberOfFrames, spool);
    if (frames !== undefined) return { transferSyntaxUid, bulkData: { sources: frames } };
  }
  const sources: SpooledBytes[] = [];
  for (const part of found) sources.push(await codestreamOf(part, spool));
  return { transferSyntaxUid, bulkData: { sources } };
}

/** Of Pixel Data within the metadata: what it says, if that is a syntax of compressed frames. */
function compressedSyntax(dataset: DicomJson): string {
  const declared = declaredSyntax(dataset);
  return declared !== undefined && transferSyntaxOf(declared).encapsulated ? declared : explicitLittleEndian;
}

/** The encoder writes the delimiter behind the items. */
async function withoutDelimiter({ offset, bytes }: SpooledBytes, spool: Spool): Promise<SpooledBytes> {
  const end = await spool.peek({ offset: offset + bytes - 8, bytes: 8 });
  return end.toString('hex') === 'feffdde000000000' ? { offset, bytes: bytes - 8 } : { offset, bytes };
}

/** One dataset of a JSON text. @param describe for messages */
export function jsonSource(name: string, text: Buffer): MetadataSource {
  return {
    name,
    read: () => {
      let dataset: unknown;
      try {
        dataset = JSON.parse(text.toString('utf8'));
      } catch (error) {
        throw new DicomError('malformed', `The metadata is no JSON: ${(error as Error).message}`);
      }
      return asDataset(dataset);
    },
  };
}

/** @throws DicomError for what is no dataset */
export function asDataset(value: unknown): DicomJson {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as DicomJson;
  throw new DicomError('malformed', 'The metadata has something else than a dataset in its array');
}

/** A dataset of the Native DICOM Model; text in UTF-8, or in UTF-16 with its byte order mark. */
export function xmlSource(name: string, text: Buffer): MetadataSource {
  return {
    name,
    read: async () => {
      const decoder = new TextDecoder(encodingOf(text));
      const reader = new NativeDicomXmlReader();
      // In slices: other requests get their turn between them.
      for (let at = 0; at < text.length; at += batchBytes) {
        reader.write(decoder.decode(text.subarray(at, at + batchBytes), { stream: true }));
        await nextTurn();
      }
      reader.write(decoder.decode());
      return reader.end();
    },
  };
}

const nextTurn = () => new Promise((resolve) => void setImmediate(resolve));

function encodingOf(text: Buffer): string {
  if (text[0] === 0xff && text[1] === 0xfe) return 'utf-16le';
  if (text[0] === 0xfe && text[1] === 0xff) return 'utf-16be';
  const declared = /^<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']/.exec(text.toString('latin1', 0, 200));
  const [, label = 'utf-8'] = declared ?? [];
  try {
    return new TextDecoder(label).encoding;
  } catch {
    throw new DicomError('malformed', `The XML is in the encoding ${JSON.stringify(label)}, which is not known here`);
  }
}

function unusedPart({ location }: BulkDataPart): DicomError {
  const what =
    location === undefined
      ? 'It has no Content-Location, so no instance can refer to it'
      : `It is bulk data at ${JSON.stringify(location)}, which no instance of the request refers to`;
  return new DicomError('malformed', what);
}
