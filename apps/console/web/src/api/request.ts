import { readApiError, toError } from './api-error.js';

interface RequestOptions {
  signal?: AbortSignal;
  accept?: string;
  headers?: Record<string, string>;
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  body?: unknown;
  /** A zip archive, in place of a body. */
  archive?: Blob;
}

/** One request to our own server. Throws {@link ApiError} for every status outside 200-299 and when no answer comes. */
export async function request(path: string, options: RequestOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { accept: options.accept ?? 'application/json', ...options.headers };
  if (options.body !== undefined) headers['content-type'] = 'application/json';
  if (options.archive !== undefined) headers['content-type'] = 'application/zip';
  try {
    const response = await fetch(path, {
      method: options.method ?? 'GET',
      headers,
      ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      ...(options.archive === undefined ? {} : { body: options.archive }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    if (!response.ok) throw await readApiError(response, path);
    return response;
  } catch (cause) {
    throw toError(cause, path);
  }
}

/** A JSON answer. A search without matches (204, PS3.18 8.3.4.4) is an empty list. */
export async function requestJson<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await request(path, options);
  if (response.status === 204) return [] as T;
  try {
    return (await response.json()) as T;
  } catch (cause) {
    throw new Error(`${path} answered something that is not JSON. Is this address served by Isocenter?`, { cause });
  }
}
