import { followWorklist, type LiveListener } from './live-worklist.js';

/**
 * Follows the worklist while somebody can see the page: a browser has six connections to a server for all its tabs, and
 * a stream takes one. When the page is seen again `onOpen` says so. Until the returned function is called.
 */
export function followWhileVisible(listener: LiveListener): () => void {
  let stop: (() => void) | undefined;
  const update = () => {
    if (document.hidden && stop) {
      stop();
      stop = undefined;
      listener.onLost();
    } else if (!document.hidden) {
      stop ??= followWorklist(listener);
    }
  };
  update();
  document.addEventListener('visibilitychange', update);
  return () => {
    document.removeEventListener('visibilitychange', update);
    stop?.();
  };
}
