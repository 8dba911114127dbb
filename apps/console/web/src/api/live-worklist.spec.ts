import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type EventStream, followWorklist } from './live-worklist.js';
import type { WorklistItem } from './worklist-item.js';

class FakeStream implements EventStream {
  readyState = 0;
  isClosed = false;
  private readonly listeners = new Map<string, (event: { data?: unknown }) => void>();

  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void {
    this.listeners.set(type, listener);
  }
  emit(type: string, data?: unknown): void {
    this.listeners.get(type)?.({ data });
  }
  close(): void {
    this.isClosed = true;
  }
}

function follow() {
  const streams: FakeStream[] = [];
  const said: string[] = [];
  const stop = followWorklist(
    {
      onOpen: () => said.push('open'),
      onLost: () => said.push('lost'),
      onReload: () => said.push('reload'),
      onItem: (item: WorklistItem) => said.push(item.studyInstanceUid),
      onError: (error) => said.push(error.message),
    },
    () => {
      const stream = new FakeStream();
      streams.push(stream);
      return stream;
    },
  );
  return { streams, said, stop };
}

describe('followWorklist', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('gives on items and orders to reload', () => {
    const { streams, said } = follow();
    streams[0]!.emit('open');
    streams[0]!.emit('worklist', JSON.stringify({ item: { studyInstanceUid: '1.2' } }));
    streams[0]!.emit('reload', '{}');
    expect(said).toEqual(['open', '1.2', 'reload']);
  });

  it('says so when a message cannot be read, and goes on', () => {
    const { streams, said } = follow();
    streams[0]!.emit('worklist', '{"item":');
    streams[0]!.emit('worklist', JSON.stringify({ item: { studyInstanceUid: '1.2' } }));
    expect(said).toEqual(['A live update could not be read; reload the page.', '1.2']);
  });

  it('leaves a broken connection to the browser, which reopens it', () => {
    const { streams, said } = follow();
    streams[0]!.readyState = 0;
    streams[0]!.emit('error');
    jest.advanceTimersByTime(120_000);
    expect(said).toEqual(['lost']);
    expect(streams).toHaveLength(1);
  });

  it('opens a refused stream again, with growing pauses up to half a minute', () => {
    const { streams } = follow();
    const pauses = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
    pauses.forEach((pause, index) => {
      const stream = streams.at(-1)!;
      stream.readyState = 2;
      stream.emit('error');
      jest.advanceTimersByTime(pause - 1);
      expect(streams).toHaveLength(index + 1);
      jest.advanceTimersByTime(1);
      expect(streams).toHaveLength(index + 2);
      expect(stream.isClosed).toBe(true);
    });
  });

  it('starts with the short pause again after it was open', () => {
    const { streams } = follow();
    const refuse = () => {
      streams.at(-1)!.readyState = 2;
      streams.at(-1)!.emit('error');
    };
    refuse();
    jest.advanceTimersByTime(1_000);
    refuse();
    jest.advanceTimersByTime(2_000);
    streams.at(-1)!.emit('open');
    refuse();
    jest.advanceTimersByTime(1_000);
    expect(streams).toHaveLength(4);
  });

  it('ends when told to', () => {
    const { streams, said, stop } = follow();
    streams[0]!.readyState = 2;
    streams[0]!.emit('error');
    stop();
    jest.advanceTimersByTime(60_000);
    expect(streams).toHaveLength(1);
    expect(streams[0]!.isClosed).toBe(true);
    expect(said).toEqual(['lost']);
  });
});
