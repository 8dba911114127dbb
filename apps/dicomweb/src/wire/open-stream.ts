import { Readable } from 'node:stream';

/**
 * A byte stream whose first chunk is already there: what fails at the beginning rejects here, while an error status can
 * still be sent. Later failures error the stream, and destroying it ends the source, even before anything was read.
 */
export async function openStream(source: AsyncGenerator<Uint8Array>): Promise<Readable> {
  let first: IteratorResult<Uint8Array> | undefined = await source.next();
  const chunks: AsyncIterator<Uint8Array> & AsyncIterable<Uint8Array> = {
    next: async () => {
      const next = first ?? (await source.next());
      first = undefined;
      return next;
    },
    return: () => source.return(undefined),
    [Symbol.asyncIterator]: () => chunks,
  };
  return Readable.from(chunks, { objectMode: false, highWaterMark: 256 * 1024 });
}
