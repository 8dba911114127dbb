import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import { followWhileVisible } from '../api/follow-while-visible.js';
import { listWorklist, type WorklistQuestion, worklistPageSize, worklistPageSizeMax } from '../api/worklist.js';
import { emptyWorklist, reduceWorklist, type WorklistState } from './reduce-worklist.js';

export interface LiveWorklist extends WorklistState {
  isLive: boolean;
  isLoading: boolean;
  reload: () => void;
  loadMore: () => void;
}

/** Without events (a proxy that refuses them, too many listeners) the list is read anew this often. */
const offlineReloadMilliseconds = 30_000;

/**
 * The worklist as it is now. It loads whenever the event stream opens (so also after every reconnect) and then
 * follows the events.
 */
export function useLiveWorklist(question: WorklistQuestion): LiveWorklist {
  const [state, dispatch] = useReducer(reduceWorklist, emptyWorklist);
  const [isLive, setLive] = useState(false);
  const [isLoading, setLoading] = useState(true);
  const loaded = useRef(0);
  loaded.current = state.items.length;
  const loading = useRef<AbortController | undefined>(undefined);

  const load = useCallback(
    (after: string | null) => {
      loading.current?.abort();
      const abort = new AbortController();
      loading.current = abort;
      setLoading(true);
      dispatch({ type: 'load-started', question });
      // From the top again means all that is on the screen, as far as one answer goes.
      const limit =
        after === null ? Math.min(Math.max(loaded.current, worklistPageSize), worklistPageSizeMax) : worklistPageSize;
      listWorklist(question, after, limit, abort.signal).then(
        (page) => {
          if (abort.signal.aborted) return;
          dispatch({ type: 'loaded', page, isFirst: after === null, at: Date.now() });
          setLoading(false);
        },
        (error: Error) => {
          if (abort.signal.aborted) return;
          dispatch({ type: 'failed', error });
          setLoading(false);
        },
      );
    },
    // The same question is one object: see the page.
    [question],
  );

  useEffect(() => {
    load(null);
    const stop = followWhileVisible({
      onOpen: () => {
        setLive(true);
        load(null);
      },
      onLost: () => setLive(false),
      onReload: () => load(null),
      onItem: (item) => dispatch({ type: 'item', item, at: Date.now() }),
      onError: (error) => dispatch({ type: 'failed', error }),
    });
    return () => {
      stop();
      loading.current?.abort();
    };
  }, [load]);

  useEffect(() => {
    if (isLive) return;
    const timer = setInterval(() => {
      if (!document.hidden) load(null);
    }, offlineReloadMilliseconds);
    return () => clearInterval(timer);
  }, [isLive, load]);

  const reload = useCallback(() => load(null), [load]);
  const loadMore = useCallback(() => load(state.next), [load, state.next]);
  return { ...state, isLive, isLoading, reload, loadMore };
}
