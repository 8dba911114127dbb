import { readFile } from 'node:fs/promises';
import type { DicomJson } from '#libs/dicom';
import { decodeFrame, describeFrame, type FrameDescription, type Pixels } from '#libs/images';
import type { FetchedInput } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';
import { text } from '../../models/read-attributes.js';

export interface DecodedFrame {
  instance: DicomJson;
  pixels: Pixels;
  description: FrameDescription;
}

/**
 * A reader of the fetched frames, one file at a time, decoded.
 *
 * @returns a function that takes the index of a frame in `task.input.frames`.
 * @throws ModelError 'invalid-input' when a frame was not fetched, or is damaged.
 */
export function frameReader({ input, frameFiles }: FetchedInput): (index: number) => Promise<DecodedFrame> {
  const key = (frame: { sopInstanceUid: string; frameNumber: number }) =>
    `${frame.sopInstanceUid} ${frame.frameNumber}`;
  const files = new Map(frameFiles.map((file) => [key(file), file]));
  const instances = new Map(input.instances.map((instance) => [text(instance, 'SOPInstanceUID'), instance]));

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
      return { instance, description, pixels: await decodeFrame(await readFile(fetched.file), description) };
    } catch (error) {
      throw new ModelError(
        'invalid-input',
        `Frame ${frame.frameNumber} of ${frame.sopInstanceUid} cannot be read: ${(error as Error).message}`,
        { cause: error },
      );
    }
  };
}
