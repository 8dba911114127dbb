import { readFileSync } from 'node:fs';
import type { DicomJson } from '#libs/dicom';
import { decodeFrame, describeFrame, type FrameDescription, type Pixels } from '#libs/images';
import type { FetchedInput, FrameFile } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';
import { text } from '../../models/read-attributes.js';

export interface DecodedFrame {
  instance: DicomJson;
  pixels: Pixels;
  description: FrameDescription;
}

/**
 * A reader of the fetched frames, a few files at a time, decoded.
 *
 * @returns a function that takes the index of a frame in `task.input.frames`.
 * @throws ModelError 'invalid-input' when a frame was not fetched, or is damaged.
 */
export function frameReader({ input, frameFiles }: FetchedInput): (index: number) => Promise<DecodedFrame> {
  const key = (frame: { sopInstanceUid: string; frameNumber: number }) =>
    `${frame.sopInstanceUid} ${frame.frameNumber}`;
  const files = new Map(frameFiles.map((file) => [key(file), file]));
  const instances = new Map(input.instances.map((instance) => [text(instance, 'SOPInstanceUID'), instance]));

  const bytesOf = frameBytesReader();

  return async (index) => {
    const frame = input.frames[index];
    const fetched = frame && files.get(key(frame));
    const instance = frame && instances.get(frame.sopInstanceUid);
    if (!frame || !fetched || !instance)
      throw new ModelError('invalid-input', `Frame ${frame?.frameNumber} of ${frame?.sopInstanceUid} was not fetched.`);
    try {
      const described = describeFrame(instance, fetched.transferSyntaxUid, frame.frameNumber - 1);
      // A frame that came alone begins at a byte.
      const description = { ...described, bitOffset: 0 };
      return { instance, description, pixels: await decodeFrame(bytesOf(fetched), description) };
    } catch (error) {
      throw new ModelError(
        'invalid-input',
        `Frame ${frame.frameNumber} of ${frame.sopInstanceUid} cannot be read: ${(error as Error).message}`,
        { cause: error },
      );
    }
  };
}

/** Files kept for the frames beside: a tile's neighbours are a row of tiles away. */
const filesKept = 4;

/** Reads a file for all frames in it. They were written a moment ago and are in memory: at once takes a tenth of what it would in turns. */
function frameBytesReader(): (fetched: FrameFile) => Uint8Array {
  const kept = new Map<string, Buffer>();
  return ({ file, place }) => {
    const bytes = kept.get(file) ?? readFileSync(file);
    if (!place) return bytes;
    kept.delete(file);
    kept.set(file, bytes);
    if (kept.size > filesKept) kept.delete(kept.keys().next().value!);
    return bytes.subarray(place.offset, place.offset + place.length);
  };
}
