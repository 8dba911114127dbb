import { createHash } from 'node:crypto';
import type { BlobWriter } from '#libs/blobs';
import { DicomError, type ParsedInstance, Part10Reader } from '#libs/dicom';
import { failureReason, failureReasonOf } from './failure-reason.js';
import type { FailedInstance, IncomingPart } from './store-outcome.js';

/** An instance whose bytes are in the pack being written, and whose rows are not. */
export interface ReceivedInstance extends ParsedInstance {
  part: number;
  /** In the pack. */
  offset: number;
  /** Of the whole object. */
  sha256: Buffer;
}

/**
 * Writes one part behind what the pack has, while the header reader and SHA-256 look at the bytes as they pass. A part
 * that proves bad is read to its end, and what was written of it is taken back.
 */
export async function receivePart(
  part: IncomingPart,
  pack: BlobWriter,
  partBytesMax: number,
): Promise<ReceivedInstance | FailedInstance> {
  const offset = pack.bytes;
  const hash = createHash('sha256');
  const reader = new Part10Reader({ bulkDataPrefix: (path) => `${bulkDataPlaceholder}${path}` });
  let bytes = 0;
  let failure: FailedInstance | undefined;

  for await (const chunk of part.body) {
    if (failure !== undefined) continue;
    bytes += chunk.length;
    if (bytes > partBytesMax) {
      failure = {
        part: part.number,
        reason: failureReason.outOfResources,
        text: `Part ${part.number} has more than ${partBytesMax} bytes`,
      };
      continue;
    }
    try {
      reader.write(chunk);
    } catch (error) {
      failure = toFailure(part.number, error);
      continue;
    }
    hash.update(chunk);
    await pack.write(chunk);
  }
  if (failure === undefined) {
    try {
      return { ...withBulkDataUris(reader.end()), part: part.number, offset, sha256: hash.digest() };
    } catch (error) {
      failure = toFailure(part.number, error);
    }
  }
  await pack.truncate(offset);
  return failure;
}

export const isFailure = (outcome: ReceivedInstance | FailedInstance): outcome is FailedInstance => 'reason' in outcome;

function toFailure(part: number, error: unknown): FailedInstance {
  if (!(error instanceof DicomError)) throw error;
  return { part, reason: failureReasonOf(error.code), text: `Part ${part}: ${error.message}` };
}

// The instance's own address is known only when its header was read: BulkDataURIs are completed then.
const bulkDataPlaceholder = 'bulkdata:';

/** Root-relative addresses (PS3.18 F.2.2): the same whatever name the archive is reached by. */
function withBulkDataUris(instance: ParsedInstance): ParsedInstance {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = instance;
  const base = `/dicom-web/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}/bulkdata/`;
  const stack: ParsedInstance['dataset'][] = [instance.dataset];
  for (let dataset = stack.pop(); dataset !== undefined; dataset = stack.pop()) {
    for (const element of Object.values(dataset)) {
      if (element.BulkDataURI?.startsWith(bulkDataPlaceholder) === true) {
        element.BulkDataURI = base + element.BulkDataURI.slice(bulkDataPlaceholder.length);
      }
      if (element.vr === 'SQ') stack.push(...((element.Value ?? []) as ParsedInstance['dataset'][]));
    }
  }
  return instance;
}
