import { useCallback, useEffect, useState } from 'react';

export interface Loaded<T> {
  /** The last answer for this key; stays while it is loaded again. */
  data: T | undefined;
  error: Error | undefined;
  isLoading: boolean;
  reload: () => void;
}

interface Answer<T> {
  key: string;
  data: T | undefined;
  error: Error | undefined;
}

/** Loads when `key` changes and on `reload`; an answer that comes too late is dropped. */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [attempt, setAttempt] = useState(0);
  const [isLoading, setLoading] = useState(true);
  const [answer, setAnswer] = useState<Answer<T>>({ key, data: undefined, error: undefined });

  useEffect(() => {
    const abort = new AbortController();
    setLoading(true);
    load(abort.signal).then(
      (data) => {
        if (abort.signal.aborted) return;
        setAnswer({ key, data, error: undefined });
        setLoading(false);
      },
      (cause: unknown) => {
        if (abort.signal.aborted) return;
        const error = cause instanceof Error ? cause : new Error(String(cause));
        setAnswer((last) => ({ key, data: last.key === key ? last.data : undefined, error }));
        setLoading(false);
      },
    );
    return () => abort.abort();
    // The loader is rebuilt at every render; the key says what it loads.
  }, [key, attempt]);

  const reload = useCallback(() => setAttempt((count) => count + 1), []);
  const isCurrent = answer.key === key;
  return { data: isCurrent ? answer.data : undefined, error: isCurrent ? answer.error : undefined, isLoading, reload };
}
