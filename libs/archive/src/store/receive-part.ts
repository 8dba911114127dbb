import { BlobError, type BlobWriter } from '#libs/blobs';
import {
  AttributeCoercion,
  type CoercionOptions,
  type DicomJson,
  DicomError,
  type FrameTable,
  type ParsedInstance,
  Part10Reader,
} from '#libs/dicom';
import type { Logger } from '#libs/telemetry';
import { failureReason, failureReasonOf, warningReason } from './failure-reason.js';
import {
  type InstanceColumns,
  instanceColumns,
  instanceMembers,
  type SeriesColumns,
  seriesColumns,
  type StudyColumns,
  studyColumns,
} from './index-rows.js';
import type { FailedInstance, IncomingPart } from './store-outcome.js';

/** An instance whose bytes are in the pack being written, and whose rows are not: what the rows need, and no more. */
export interface ReceivedInstance {
  part: number;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
  sopClassUid: string;
  transferSyntaxUid: string;
  /** In the pack. */
  offset: number;
  bytes: number;
  /** Of the whole object. Empty until the pack has told it: see {@link tellDigests}. */
  sha256: Buffer;
  /** Of the dataset as it was sent: what is sent again is known by it. Empty as long as the other, unless coerced. */
  datasetSha256: Buffer;
  /** Warning Reason (0008,1196) known before the index is asked. */
  warning?: number;
  frames: FrameTable;
  study: StudyColumns;
  series: SeriesColumns;
  instance: InstanceColumns;
}

/**
 * Writes one part behind what the pack has, while the header reader and SHA-256 look at the bytes as they pass. A part
 * that proves bad is read to its end, and what was written of it is taken back.
 * @param coercionOptions the instance is made to say what the archive says of its patient and study; absent: it is stored
 * byte for byte
 * @param part its body may throw a DicomError, where it is made as it is read: the failure is this part's alone
 */
export async function receivePart(
  part: IncomingPart,
  pack: BlobWriter,
  partBytesMax: number,
  logger: Logger,
  coercionOptions?: CoercionOptions,
): Promise<ReceivedInstance | FailedInstance> {
  const coercion = coercionOptions && new AttributeCoercion(coercionOptions);
  const offset = pack.bytes;
  const reader = new Part10Reader({ bulkDataPrefix: (path) => `${bulkDataPlaceholder}${path}` });
  const toFailed = (error: unknown) => toFailure(part, error, reader.uids, logger);
  let bytes = 0;
  let failure: FailedInstance | undefined;
  /** The object's first bytes, until it is known where its dataset begins. */
  let head: Buffer[] | undefined = [];

  pack.beginObject();
  try {
    for await (const chunk of coercion?.rewrite(part.body) ?? part.body) {
      if (failure !== undefined) continue;
      bytes += chunk.length;
      if (bytes > partBytesMax) {
        failure = toFailed(
          new DicomError('limit-exceeded', `It has more than the ${partBytesMax} bytes an instance may have`),
        );
        continue;
      }
      try {
        reader.write(chunk);
      } catch (error) {
        failure = toFailed(error);
        continue;
      }
      const { datasetOffset } = reader;
      if (head === undefined) await pack.write(chunk);
      else if (datasetOffset === undefined) head.push(Buffer.from(chunk));
      else {
        await writeHead(pack, head.length === 0 ? chunk : Buffer.concat([...head, chunk]), datasetOffset);
        head = undefined;
      }
    }
  } catch (error) {
    if (!(error instanceof DicomError)) throw error;
    failure ??= toFailed(error);
  }
  if (failure === undefined) {
    try {
      const received = toReceived(reader.end(), { part: part.number, offset });
      if (head !== undefined) await writeHead(pack, Buffer.concat(head), reader.datasetOffset!);
      pack.endObject();
      if (coercion?.isCoerced !== true) return received;
      const datasetSha256 = Buffer.from(coercion.datasetSha256, 'hex');
      return { ...received, datasetSha256, warning: warningReason.coercion };
    } catch (error) {
      if (error instanceof BlobError) throw error;
      failure = toFailed(error);
    }
  }
  await pack.truncate(offset);
  return failure;
}

async function writeHead(pack: BlobWriter, bytes: Uint8Array, datasetOffset: number): Promise<void> {
  await pack.write(bytes.subarray(0, datasetOffset));
  pack.beginDataset();
  await pack.write(bytes.subarray(datasetOffset));
}

/** @param received all that are in the pack, in their order; those that were told before keep their digests */
export async function tellDigests(received: readonly ReceivedInstance[], pack: BlobWriter): Promise<void> {
  if (received.every(({ sha256 }) => sha256.length > 0)) return;
  const digests = await pack.digests();
  for (const [index, instance] of received.entries()) {
    const { sha256, datasetSha256 } = digests[index]!;
    instance.sha256 = Buffer.from(sha256);
    if (instance.datasetSha256.length === 0) instance.datasetSha256 = Buffer.from(datasetSha256);
  }
}

const untold = Buffer.alloc(0);

export const isFailure = (outcome: ReceivedInstance | FailedInstance): outcome is FailedInstance => 'reason' in outcome;

/** Bytes of the request that wait in memory for the transaction. */
export function metadataBytes({ instance, study, series, frames }: ReceivedInstance): number {
  const entries = frames.kind === 'encapsulated' ? frames.entries.length : 0;
  return instance.dicom_json.length + study.attributes.length + series.attributes.length + entries;
}

/** @param uids as far as they were read: the sender then knows which instance it was */
function toFailure(part: IncomingPart, error: unknown, uids: Part10Reader['uids'], logger: Logger): FailedInstance {
  const { number, name = `Part ${number}` } = part;
  if (error instanceof DicomError) {
    return { part: number, ...uids, reason: failureReasonOf(error.code), text: `${name}: ${error.message}` };
  }
  // A defect of ours: it must not take the other parts of the request with it, nor go unseen.
  logger.error({ err: error, part: number }, 'reading a part failed unexpectedly');
  return {
    part: number,
    ...uids,
    reason: failureReason.processingFailure,
    text: `${name} could not be processed; the log says why`,
  };
}

function toReceived(parsed: ParsedInstance, place: { part: number; offset: number }): ReceivedInstance {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid, sopClassUid, transferSyntaxUid } = parsed;
  completeBulkDataUris(parsed);
  const members = instanceMembers(parsed.dataset, transferSyntaxUid);
  return {
    ...place,
    studyInstanceUid,
    seriesInstanceUid,
    sopInstanceUid,
    sopClassUid,
    transferSyntaxUid,
    bytes: parsed.bytes,
    sha256: untold,
    datasetSha256: untold,
    frames: parsed.frames,
    study: studyColumns(parsed.dataset, members),
    series: seriesColumns(parsed.dataset, members),
    instance: instanceColumns(parsed.dataset, transferSyntaxUid, members),
  };
}

// The instance's own address is known only when its header was read: BulkDataURIs are completed then.
const bulkDataPlaceholder = 'bulkdata:';

/** Root-relative addresses (PS3.18 F.2.2): the same whatever name the archive is reached by. */
function completeBulkDataUris(parsed: ParsedInstance): void {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = parsed;
  const base = `/dicom-web/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}/bulkdata/`;
  const stack: DicomJson[] = [parsed.dataset];
  for (let dataset = stack.pop(); dataset !== undefined; dataset = stack.pop()) {
    for (const element of Object.values(dataset)) {
      if (element.BulkDataURI?.startsWith(bulkDataPlaceholder) === true) {
        element.BulkDataURI = base + element.BulkDataURI.slice(bulkDataPlaceholder.length);
      }
      if (element.vr === 'SQ') for (const item of element.Value ?? []) stack.push(item as DicomJson);
    }
  }
}
