import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryFolder } from '../../../../test/support/temporary-folder.js';
import { findBulkData, readPart10, type DicomJson } from '#libs/dicom';
import { selectInput } from '../models/select-input.js';
import type { FetchedInput, Model } from '../models/model.js';

/**
 * For tests: what the tasks would have fetched over WADO-RS for a study, from its Part 10 files.
 *
 * @returns the input with its files in a temporary folder, or why the study does not suit the model.
 */
export function fetchFromFiles(model: Model, files: string[]): FetchedInput | { unsuitable: string } {
  const parsed = files.map((file) => {
    const bytes = readFileSync(file);
    return { bytes, instance: readPart10(bytes) };
  });
  const input = selectInput(
    model.manifest,
    parsed.map(({ instance }) => instance.dataset),
  );
  if ('unsuitable' in input) return input;

  const folder = temporaryFolder('fetched');
  const find = (sopInstanceUid: string) => parsed.find(({ instance }) => instance.sopInstanceUid === sopInstanceUid)!;
  const save = (name: string, bytes: Uint8Array): string => {
    const file = path.join(folder, name);
    writeFileSync(file, bytes);
    return file;
  };
  return {
    input,
    inputDigest: 'cd'.repeat(32),
    directory: folder,
    frameFiles: input.frames.map(({ sopInstanceUid, frameNumber }) => {
      const { bytes, instance } = find(sopInstanceUid);
      const file = save(`${sopInstanceUid}.${frameNumber}`, frameBytes(bytes, instance.frames, frameNumber - 1));
      return { sopInstanceUid, frameNumber, file, transferSyntaxUid: instance.transferSyntaxUid };
    }),
    bulkDataFiles: input.bulkData.map(({ sopInstanceUid, tagPath }) => {
      const { bytes } = find(sopInstanceUid);
      const { offset, length } = findBulkData(bytes, tagPath)!;
      return { sopInstanceUid, tagPath, file: save(`${sopInstanceUid}.bulk`, bytes.subarray(offset, offset + length)) };
    }),
  };
}

function frameBytes(bytes: Buffer, frames: ReturnType<typeof readPart10>['frames'], index: number): Uint8Array {
  if (frames.kind === 'native') {
    const start = frames.pixelDataOffset + (index * frames.frameBits) / 8;
    return bytes.subarray(start, start + frames.frameBits / 8);
  }
  if (frames.kind !== 'encapsulated') throw new Error(`no frames to read: ${frames.kind}`);
  const offset = Number(frames.entries.readBigUInt64LE(index * 16));
  const length = frames.entries.readUInt32LE(index * 16 + 8);
  if (frames.entries.readUInt32LE(index * 16 + 12) !== 1) throw new Error('a frame of several fragments');
  return bytes.subarray(offset, offset + length);
}

/** An element of DICOM JSON, for metadata written by hand. */
export function element(vr: string, ...values: unknown[]): DicomJson[string] {
  return { vr, Value: values };
}
