import { useLoaded } from './use-loaded.js';
import { request, requestJson } from './request.js';

/** Who looks at this page. */
export interface Session {
  /** The name of who has a token of their own. */
  name: string | null;
  roles: string[];
  /** Whether readers have tokens of their own here; if not, they are who they say they are. */
  hasAccounts: boolean;
}

/** Shows the API token once; the browser then carries it as a cookie. Throws {@link ApiError} 401 when it is not known. */
export async function startSession(token: string): Promise<void> {
  await request('/api/session', { method: 'POST', body: { token } });
}

export async function endSession(): Promise<void> {
  await request('/api/session', { method: 'DELETE' });
}

export function useSession(): Session | undefined {
  return useLoaded('/api/session', (signal) => requestJson<Session>('/api/session', { signal })).data;
}
