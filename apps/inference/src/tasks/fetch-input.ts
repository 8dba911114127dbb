import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type DicomJson, jsonText } from '#libs/dicom';
import type { FetchedInput, ModelInput } from '../models/model.js';
import type { ArchiveClient } from './archive-client.js';
import { fetchSeries, isBestFetchedWhole } from './fetch-series.js';
import { FrameGroup } from './frame-group.js';
import { storedSyntax, uidsOf } from './instance-uids.js';

/** So many frames are asked for at once, and in memory at once for each request under way. */
const framesPerRequest = 8;
const requestsAtOnce = 4;

/**
 * Brings what the model reads from the archive to files in `directory`, a few frames or a bulk value each: memory stays flat
 * however long the series is.
 *
 * @param instances metadata of the whole study, which tells what else there is in a series
 */
export async function fetchInput(
  archive: ArchiveClient,
  input: ModelInput,
  instances: readonly DicomJson[],
  directory: string,
  inputDigest: string,
): Promise<FetchedInput> {
  const byUid = new Map(input.instances.map((instance) => [jsonText(instance, '00080018') ?? '', instance]));
  const frameFiles = isBestFetchedWhole(input, instances) ? await fetchSeries(archive, input, byUid, directory) : [];
  const fetched: FetchedInput = { input, inputDigest, directory, frameFiles, bulkDataFiles: [] };
  const key = (frame: ModelInput['frames'][number]) => `${frame.sopInstanceUid} ${frame.frameNumber}`;
  const there = new Set(frameFiles.map(key));
  const orders = inBatches(input.frames.filter((frame) => !there.has(key(frame))));

  await inParallel(orders.entries(), async ([index, order]) => {
    const instance = instanceOf(byUid, order.sopInstanceUid);
    const frames = await archive.frames(uidsOf(instance), order.frameNumbers);
    if (frames.length !== order.frameNumbers.length) {
      throw new Error(
        `The archive gave ${frames.length} of ${order.frameNumbers.length} frames of ${order.sopInstanceUid}`,
      );
    }
    const file = new FrameGroup(path.join(directory, `frames-${index}`));
    for (const [position, frameNumber] of order.frameNumbers.entries())
      file.add(frames[position]!, {
        sopInstanceUid: order.sopInstanceUid,
        frameNumber,
        transferSyntaxUid: storedSyntax(instance),
      });
    frameFiles.push(...(await file.write()));
  });
  await inParallel(input.bulkData.entries(), async ([index, { sopInstanceUid, tagPath }]) => {
    const uri = bulkDataUri(instanceOf(byUid, sopInstanceUid), tagPath);
    const file = path.join(directory, `bulk-${index}`);
    await writeFile(file, new Uint8Array(await archive.bulkData(uri)));
    fetched.bulkDataFiles.push({ sopInstanceUid, tagPath, file });
  });
  return fetched;
}

/** Neighbouring frames of one instance go into one request. */
function inBatches(frames: ModelInput['frames']): { sopInstanceUid: string; frameNumbers: number[] }[] {
  const batches: { sopInstanceUid: string; frameNumbers: number[] }[] = [];
  for (const { sopInstanceUid, frameNumber } of frames) {
    const last = batches.at(-1);
    if (last?.sopInstanceUid === sopInstanceUid && last.frameNumbers.length < framesPerRequest)
      last.frameNumbers.push(frameNumber);
    else batches.push({ sopInstanceUid, frameNumbers: [frameNumber] });
  }
  return batches;
}

async function inParallel<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, worker));
}

function instanceOf(byUid: Map<string, DicomJson>, sopInstanceUid: string): DicomJson {
  const instance = byUid.get(sopInstanceUid);
  if (instance === undefined)
    throw new Error(`The model asked for ${sopInstanceUid}, which is not among its instances`);
  return instance;
}

/** @param tagPath `GGGGEEEE`, or `GGGGEEEE/<item index>/GGGGEEEE` into sequences */
function bulkDataUri(instance: DicomJson, tagPath: string): string {
  const steps = tagPath.split('/');
  let dataset: DicomJson | undefined = instance;
  for (let step = 0; step + 2 < steps.length; step += 2) {
    dataset = dataset?.[steps[step]!]?.Value?.[Number(steps[step + 1])] as DicomJson | undefined;
  }
  const uri = dataset?.[steps.at(-1)!]?.BulkDataURI;
  if (uri === undefined) throw new Error(`No BulkDataURI at ${tagPath} of ${jsonText(instance, '00080018')}`);
  return uri;
}
