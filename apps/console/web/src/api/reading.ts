import { request } from './request.js';

export type ReadingAct = 'claim' | 'release' | 'complete';

/** Takes, gives back or finishes a reading task in a reader's name. Throws {@link ApiError} 409 when another holds it. */
export async function readingAct(workitemUid: string, act: ReadingAct, reader: string): Promise<void> {
  await request(`/api/worklist/${workitemUid}/${act}`, { method: 'POST', body: { reader } });
}
