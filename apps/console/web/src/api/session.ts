import { request } from './request.js';

/** Shows the API token once; the browser then carries it as a cookie. Throws {@link ApiError} 401 when it is not known. */
export async function startSession(token: string): Promise<void> {
  await request('/api/session', { method: 'POST', body: { token } });
}
