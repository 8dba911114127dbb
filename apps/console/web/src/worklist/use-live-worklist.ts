import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import { followWhileVisible } from '../api/follow-while-visible.js';
import { listWorklist, type ReadingScope, worklistPageSize, worklistPageSizeMax } from '../api/worklist.js';
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
export function useLiveWorklist(scope: ReadingScope): LiveWorklist {
  const [state, dispatch] = useReducer(reduceWorklist, emptyWorklist);
  const [isLive, setLive] = useState(false);
  const [isLoading, setLoading] = useState(true);
  const loaded = useRef(0);
  loaded.current = state.items.length;
  const loading = useRef<AbortController | undefined>(undefined);

  const load = useCallback(
    (offset: number) => {
      loading.current?.abort();
      const abort = new AbortController();
      loading.current = abort;
      setLoading(true);
      dispatch({ type: 'load-started', scope });
      // From the top again means all that is on the screen, as far as one answer goes.
      const limit =
        offset === 0 ? Math.min(Math.max(loaded.current, worklistPageSize), worklistPageSizeMax) : worklistPageSize;
      listWorklist(scope, offset, limit, abort.signal).then(
        (page) => {
          if (abort.signal.aborted) return;
          dispatch({ type: 'loaded', page, offset, at: Date.now() });
          setLoading(false);
        },
        (error: Error) => {
          if (abort.signal.aborted) return;
          dispatch({ type: 'failed', error });
          setLoading(false);
        },
      );
    },
    [scope],
  );

  useEffect(() => {
    load(0);
    const stop = followWhileVisible({
      onOpen: () => {
        setLive(true);
        load(0);
      },
      onLost: () => setLive(false),
      onReload: () => load(0),
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
      if (!document.hidden) load(0);
    }, offlineReloadMilliseconds);
    return () => clearInterval(timer);
  }, [isLive, load]);

  const reload = useCallback(() => load(0), [load]);
  const loadMore = useCallback(() => load(state.items.length), [load, state.items.length]);
  return { ...state, isLive, isLoading, reload, loadMore };
}
