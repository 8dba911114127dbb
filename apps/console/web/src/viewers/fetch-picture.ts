import { request } from '../api/request.js';

/** A rendered picture, decoded off the main thread. Throws {@link ApiError} with the server's reason. */
export async function fetchPicture(url: string, signal: AbortSignal): Promise<ImageBitmap> {
  const response = await request(url, { signal, accept: 'image/jpeg, image/png;q=0.9' });
  return createImageBitmap(await response.blob());
}
