import path from 'node:path';
import {
  DicomError,
  type DicomJson,
  jsonNumber,
  jsonText,
  readFrameRange,
  readPart10,
  transferSyntaxes,
} from '#libs/dicom';
import type { FrameFile, ModelInput } from '../models/model.js';
import { ArchiveError, type ArchiveClient } from './archive-client.js';
import { FrameGroup } from './frame-group.js';
import { uidsOf } from './instance-uids.js';
import { lastFrame } from './last-frame.js';

/** Fewer are asked for one by one at little cost. */
const framesMin = 16;
/** Of an instance, which is in memory whole while it comes. */
const pixelBytesMax = 64 * 1024 ** 2;
/** Frames are written together up to this. */
const groupBytes = 4 * 1024 ** 2;

/**
 * Whether the frames are those of instances with one each, and most of what is in their series: then one request for the series costs a
 * fraction of one for each slice.
 *
 * @param instances metadata of the whole study
 */
export function isBestFetchedWhole({ frames, ...input }: ModelInput, instances: readonly DicomJson[]): boolean {
  if (frames.length < framesMin) return false;
  const inSeries = instances.filter((one) => jsonText(one, '0020000E') === input.seriesInstanceUid).length;
  return frames.length * 2 >= inSeries && input.instances.every(isOneFrame);
}

function isOneFrame(instance: DicomJson): boolean {
  const number = (tag: string) => jsonNumber(instance, tag) ?? 1;
  const bytes = (number('00280010') * number('00280011') * number('00280002') * number('00280100')) / 8;
  return number('00280008') === 1 && bytes <= pixelBytesMax && isAsStored(jsonText(instance, '00083002') ?? '');
}

/** Frames lie in the object as the archive gives them by themselves: not deflated, not big endian, no video. */
function isAsStored(syntax: string): boolean {
  const known = transferSyntaxes[syntax];
  return known !== undefined && !known.deflated && !known.bigEndian && !known.mediaType.startsWith('video/');
}

/** @returns what came of the frames; those that did not can be asked for by themselves */
export async function fetchSeries(
  archive: ArchiveClient,
  input: ModelInput,
  byUid: ReadonlyMap<string, DicomJson>,
  directory: string,
): Promise<FrameFile[]> {
  const frameFiles: FrameFile[] = [];
  // New memory for each slice takes longer to get than to fill.
  const memory = Buffer.allocUnsafeSlow(groupBytes);
  const nextGroup = () => new FrameGroup(path.join(directory, `series-${frameFiles.length}`));
  let group = nextGroup();
  try {
    for await (const part of archive.series(uidsOf(input.instances[0]!))) {
      const found = frameIn(part, byUid);
      if (!found) continue;
      group.addCopy(found.bytes, found.frame, memory);
      if (group.length < groupBytes) continue;
      frameFiles.push(...(await group.write()));
      group = nextGroup();
    }
  } catch (error) {
    // An archive need not give series (406, 501), and says so before the first instance.
    const isRefusal = error instanceof ArchiveError && error.status !== undefined && error.status !== 401;
    if (!isRefusal) throw error;
  }
  if (group.length > 0) frameFiles.push(...(await group.write()));
  return frameFiles;
}

/** The frame of an instance that was asked for; undefined for another, and for one whose frame does not lie in one piece. */
function frameIn(
  part: Buffer,
  byUid: ReadonlyMap<string, DicomJson>,
): { bytes: Buffer; frame: Omit<FrameFile, 'file' | 'place'> } | undefined {
  const last = lastFrame(part, byUid);
  if (last) {
    const { bytes, ...of } = last;
    return { bytes, frame: { ...of, frameNumber: 1 } };
  }
  try {
    const { sopInstanceUid, transferSyntaxUid, frames } = readPart10(part);
    if (!byUid.has(sopInstanceUid)) return undefined;
    const frame = { sopInstanceUid, frameNumber: 1, transferSyntaxUid };
    if (frames.kind === 'native') {
      const end = frames.pixelDataOffset + Math.ceil(frames.frameBits / 8);
      return { bytes: part.subarray(frames.pixelDataOffset, end), frame };
    }
    if (frames.kind !== 'encapsulated') return undefined;
    const { offset, length, fragments } = readFrameRange(frames.entries, 0);
    return fragments === 1 ? { bytes: part.subarray(offset, offset + length), frame } : undefined;
  } catch (error) {
    if (error instanceof DicomError) return undefined;
    throw error;
  }
}
