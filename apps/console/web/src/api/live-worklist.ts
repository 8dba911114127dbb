import type { WorklistItem } from './worklist-item.js';

export interface LiveListener {
  /** The stream is open: anything missed before must be loaded now. */
  onOpen(): void;
  /** The stream broke; it is being opened again. */
  onLost(): void;
  onItem(item: WorklistItem): void;
  /** More changed than the server will name: everything must be loaded now. */
  onReload(): void;
  /** A message that could not be read. */
  onError(error: Error): void;
}

/** The part of EventSource used here, so that tests can bring their own. */
export interface EventStream {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void;
  close(): void;
}

const streamClosed = 2;
const retryMillisecondsMin = 1_000;
const retryMillisecondsMax = 30_000;

/**
 * Follows `GET /api/worklist/events` until the returned function is called. A browser reopens a broken stream by
 * itself, except after an HTTP error; that case is retried here, with growing pauses.
 */
export function followWorklist(
  listener: LiveListener,
  open: (path: string) => EventStream = (path) => new EventSource(path) as EventStream,
): () => void {
  let stream: EventStream | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = retryMillisecondsMin;
  let isStopped = false;

  const connect = () => {
    const current = open('/api/worklist/events');
    stream = current;
    current.addEventListener('open', () => {
      pause = retryMillisecondsMin;
      listener.onOpen();
    });
    current.addEventListener('worklist', (event) => {
      try {
        const message = JSON.parse(String(event.data)) as { item?: WorklistItem };
        if (message.item) listener.onItem(message.item);
      } catch (cause) {
        listener.onError(new Error('A live update could not be read; reload the page.', { cause }));
      }
    });
    current.addEventListener('reload', () => listener.onReload());
    current.addEventListener('error', () => {
      if (isStopped) return;
      listener.onLost();
      if (current.readyState !== streamClosed) return;
      current.close();
      timer = setTimeout(connect, pause);
      pause = Math.min(pause * 2, retryMillisecondsMax);
    });
  };
  connect();

  return () => {
    isStopped = true;
    clearTimeout(timer);
    stream?.close();
  };
}
