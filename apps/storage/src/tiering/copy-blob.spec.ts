import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { BlobStore, BlobWriter } from '#libs/blobs';
import { copyBlob } from './copy-blob.js';

const content = Buffer.from('one pack, whatever is in it');
const expected = { bytes: content.length, sha256: createHash('sha256').update(content).digest(), pieceBytes: null };
const never = new AbortController().signal;
const key = '00/00000000-0000-7000-8000-000000000000';

/** A store that gives these chunks to whoever reads. */
function giving(chunks: () => Iterable<Buffer> | AsyncIterable<Buffer>): BlobStore {
  return { name: 'source', read: async () => Readable.from(chunks()) } as unknown as BlobStore;
}

/** A store that keeps what is written in memory, or hands it to `take`. */
function taking(take?: (chunk: Uint8Array) => Promise<void>) {
  const kept = { chunks: [] as Uint8Array[], state: 'open' as 'open' | 'committed' | 'aborted' };
  const writer = {
    bytes: 0,
    write: take ?? (async (chunk: Uint8Array) => void kept.chunks.push(chunk)),
    truncate: async () => undefined,
    commit: async () => {
      kept.state = 'committed';
      return { key, ...expected };
    },
    abort: async () => {
      kept.state = 'aborted';
    },
  } as unknown as BlobWriter;
  const store = { name: 'target', write: async () => writer } as unknown as BlobStore;
  return { store, kept };
}

const source = (...chunks: Buffer[]) => ({ store: giving(() => chunks), key });

describe('copyBlob', () => {
  it('writes what it reads, whatever the chunks', async () => {
    const target = taking();
    const chunks = [...content].map((byte) => Buffer.from([byte]));
    expect(await copyBlob(source(...chunks), target.store, expected, never)).toBe(key);
    expect(Buffer.concat(target.kept.chunks)).toEqual(content);
    expect(target.kept.state).toBe('committed');
  });

  it.each([
    ['fewer bytes', [content.subarray(1)], /should have 27 bytes and has 26/],
    ['more bytes', [content, Buffer.from('!')], /should have 27 bytes and has more/],
    ['no bytes', [], /should have 27 bytes and has 0/],
  ])('refuses a source with %s, and commits nothing', async (_, chunks, message) => {
    const target = taking();
    const copy = copyBlob(source(...chunks), target.store, expected, never);
    await expect(copy).rejects.toMatchObject({ code: 'copy-damaged', message: expect.stringMatching(message) });
    expect(target.kept.state).toBe('aborted');
  });

  it('reads no more of a source that is too long than one chunk beyond', async () => {
    let given = 0;
    const endless = giving(function* () {
      for (;;) {
        given += 1;
        yield Buffer.alloc(content.length);
      }
    });
    const copy = copyBlob({ store: endless, key }, taking().store, expected, never);
    await expect(copy).rejects.toMatchObject({ code: 'copy-damaged' });
    expect(given).toBeLessThan(40); // the stream reads ahead a little
  });

  it('says after how many bytes a source broke off', async () => {
    const broken = giving(async function* () {
      yield content.subarray(0, 9);
      throw new Error('ECONNRESET');
    });
    const target = taking();
    await expect(copyBlob({ store: broken, key }, target.store, expected, never)).rejects.toMatchObject({
      code: 'blob-unavailable',
      message: expect.stringContaining('after 9 bytes'),
    });
    expect(target.kept.state).toBe('aborted');
  });

  it('waits for a slow target: what is read and not yet written stays small', async () => {
    const chunk = Buffer.alloc(64 * 1024, 7);
    const chunks = 1024;
    const hash = createHash('sha256');
    for (let index = 0; index < chunks; index += 1) hash.update(chunk);
    const large = { bytes: chunks * chunk.length, sha256: hash.digest(), pieceBytes: null };
    let given = 0;
    let written = 0;
    let ahead = 0;
    const store = giving(function* () {
      for (let index = 0; index < chunks; index += 1) {
        given += chunk.length;
        ahead = Math.max(ahead, given - written);
        yield chunk;
      }
    });
    const target = taking(async (bytes) => {
      await new Promise((resolve) => setImmediate(resolve));
      written += bytes.length;
    });
    await copyBlob({ store, key }, target.store, large, never);
    expect(written).toBe(large.bytes);
    // Readable.from is in object mode: 16 chunks ahead.
    expect(ahead).toBeLessThanOrEqual(20 * chunk.length);
  });

  it('stops at the abort although the source gives no more', async () => {
    const controller = new AbortController();
    const stalled = new PassThrough();
    stalled.write(content.subarray(0, 5));
    const hanging = { name: 'source', read: async () => stalled } as unknown as BlobStore;
    const target = taking();
    const copy = copyBlob({ store: hanging, key }, target.store, expected, controller.signal);
    setImmediate(() => controller.abort(new Error('the process stops')));
    await expect(copy).rejects.toThrow('the process stops');
    expect(target.kept.state).toBe('aborted');
    expect(stalled.destroyed).toBe(true);
  });

  it('stops at the abort although the target takes no more', async () => {
    const controller = new AbortController();
    // As an upload does: what waits fails when the upload is given up.
    const stuck = Promise.withResolvers<void>();
    const target = taking(() => stuck.promise);
    const writer = await target.store.write();
    const abort = writer.abort.bind(writer);
    writer.abort = async () => {
      await abort();
      stuck.reject(new Error('the upload was given up'));
    };
    const copy = copyBlob(source(content), target.store, expected, controller.signal);
    setImmediate(() => controller.abort(new Error('the process stops')));
    await expect(copy).rejects.toThrow('the process stops');
    expect(target.kept.state).toBe('aborted');
  });

  it('does not begin after the abort', async () => {
    const target = taking();
    const copy = copyBlob(source(content), target.store, expected, AbortSignal.abort(new Error('too late')));
    await expect(copy).rejects.toThrow('too late');
    expect(target.kept).toEqual({ chunks: [], state: 'aborted' });
  });
});
