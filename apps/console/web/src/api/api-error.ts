/** A request that failed, in words for the person in front of the screen. */
export class ApiError extends Error {
  /** @param status HTTP status, 0 when no answer came at all */
  constructor(
    readonly status: number,
    readonly path: string,
    readonly title: string,
    readonly detail: string,
  ) {
    super(`${title}: ${detail}`);
    this.name = 'ApiError';
  }
}

/** Reads an answer that is an error: problem+json (RFC 9457) where the server sent it, else the status alone. */
export async function readApiError(response: Response, path: string): Promise<ApiError> {
  const title = response.statusText || `HTTP ${response.status}`;
  if (/[/+]json/.test(response.headers.get('content-type') ?? '')) {
    try {
      const problem = (await response.json()) as { title?: unknown; detail?: unknown; message?: unknown };
      const detail = [problem.detail, problem.message].find((text) => typeof text === 'string');
      return new ApiError(
        response.status,
        path,
        typeof problem.title === 'string' ? problem.title : title,
        (detail as string | undefined) ?? `The server answered ${response.status}.`,
      );
    } catch {
      return new ApiError(response.status, path, title, `The server answered ${response.status} with unreadable JSON.`);
    }
  }
  return new ApiError(response.status, path, title, `The server answered ${response.status}.`);
}

/** Any thrown value as an Error; what `fetch` throws when the server cannot be reached becomes a sentence. */
export function toError(cause: unknown, path: string): Error {
  if (cause instanceof ApiError || (cause as Error | null)?.name === 'AbortError') return cause as Error;
  if (cause instanceof TypeError) {
    return new ApiError(0, path, 'No answer', 'The server could not be reached. Check that it runs and the network.');
  }
  return cause instanceof Error ? cause : new Error(String(cause));
}
