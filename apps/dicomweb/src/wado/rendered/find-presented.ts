import type { DataSource } from '#libs/database';
import { ImageError, presentedImages } from '#libs/images';
import { loadPictureInstance, type PictureInstance } from './load-picture-instance.js';

/** References that are tried before a presentation state counts as one without an image here. */
const referencesMax = 20;

/** An image that a presentation state is about, and which of its frames. */
export interface PresentedInstance {
  instance: PictureInstance;
  /** Counting from 1; undefined: whichever shows the image best. */
  frameNumber: number | undefined;
}

/** The first image of a presentation state's own that is here: in its study, as PS3.3 C.11.11 has it. @throws ImageError */
export async function findPresented(db: DataSource, state: PictureInstance): Promise<PresentedInstance> {
  const references = presentedImages(state.dataset);
  for (const { seriesInstanceUid, sopInstanceUid, frameNumbers } of references.slice(0, referencesMax)) {
    const frameNumber = frameNumbers[0];
    const target = { studyInstanceUid: state.studyInstanceUid, seriesInstanceUid, sopInstanceUid };
    const instance = await loadPictureInstance(db, target, (frameNumber ?? 1) - 1);
    if (instance !== undefined) return { instance, frameNumber };
  }
  throw new ImageError('no-pixels', 'It is a presentation state, and none of the images that it is of is here.');
}
