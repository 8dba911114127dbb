import { describe, expect, it } from '@jest/globals';
import { FrameLoader, type Picture } from './frame-loader.js';

class FakePicture implements Picture {
  readonly width = 10;
  readonly height = 10;
  isClosed = false;
  close(): void {
    this.isClosed = true;
  }
}
const pictureBytes = 400;

/** A loader whose requests are answered by the test, in the order it likes. */
function start(options: { parallel?: number; pictures?: number } = {}) {
  const waiting = new Map<string, { resolve: (picture: FakePicture) => void; reject: (error: Error) => void }>();
  const asked: string[] = [];
  let changes = 0;
  const loader = new FrameLoader<FakePicture>({
    parallel: options.parallel ?? 2,
    bytesMax: (options.pictures ?? 100) * pictureBytes,
    onChange: () => changes++,
    fetchPicture: (url) => {
      asked.push(url);
      return new Promise((resolve, reject) => waiting.set(url, { resolve, reject }));
    },
  });
  const settle = () => new Promise<void>((resolve) => setTimeout(resolve));
  return {
    loader,
    asked,
    changes: () => changes,
    answer: async (url: string) => {
      const picture = new FakePicture();
      waiting.get(url)!.resolve(picture);
      await settle();
      return picture;
    },
    fail: async (url: string) => {
      waiting.get(url)!.reject(new Error(`no ${url}`));
      await settle();
    },
  };
}

describe('FrameLoader', () => {
  it('asks for the most urgent first and no more at once than allowed', async () => {
    const { loader, asked, answer } = start();
    loader.want(['a', 'b', 'c', 'd']);
    expect(asked).toEqual(['a', 'b']);
    await answer('b');
    expect(asked).toEqual(['a', 'b', 'c']);
    expect(loader.has('b')).toBe(true);
    expect(loader.has('a')).toBe(false);
  });

  it('drops what waits when something else is wanted, and keeps what is under way', async () => {
    const { loader, asked, answer } = start();
    loader.want(['a', 'b', 'c']);
    loader.want(['x', 'y']);
    await answer('a');
    await answer('b');
    expect(asked).toEqual(['a', 'b', 'x', 'y']);
    expect(loader.has('a')).toBe(true);
  });

  it('does not ask twice for what is here, under way or failed', async () => {
    const { loader, asked, answer, fail } = start({ parallel: 3 });
    loader.want(['a', 'b', 'c']);
    await answer('a');
    await fail('b');
    loader.want(['a', 'b', 'c']);
    expect(asked).toEqual(['a', 'b', 'c']);
    expect(loader.errorOf('b')?.message).toBe('no b');
  });

  it('asks again for what failed when told to', async () => {
    const { loader, asked, fail } = start();
    loader.want(['a']);
    await fail('a');
    loader.retry('a');
    expect(asked).toEqual(['a', 'a']);
    expect(loader.errorOf('a')).toBeUndefined();
  });

  it('frees the pictures not looked at for longest, never the one that is wanted most', async () => {
    const { loader, answer } = start({ pictures: 2 });
    loader.want(['a']);
    const a = await answer('a');
    loader.want(['b']);
    const b = await answer('b');
    loader.get('a');
    loader.want(['c']);
    await answer('c');
    expect(b.isClosed).toBe(true);
    expect(a.isClosed).toBe(false);
    expect([loader.has('a'), loader.has('b'), loader.has('c')]).toEqual([true, false, true]);
    loader.want(['a', 'd', 'e']);
    await answer('d');
    await answer('e');
    expect(a.isClosed).toBe(false);
  });

  it('frees everything at the end, also what arrives later', async () => {
    const { loader, answer, changes } = start();
    loader.want(['a', 'b']);
    const a = await answer('a');
    const before = changes();
    loader.close();
    const b = await answer('b');
    expect([a.isClosed, b.isClosed]).toEqual([true, true]);
    expect(changes()).toBe(before);
  });
});
