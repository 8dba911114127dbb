import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mosaicJpeg } from '../../../../test/support/mosaic-jpeg.js';
import { codestreamOf } from './jp2-codestream.js';
import { splitFrames } from './split-frames.js';
import { Spool, SpoolError, SpoolLimitError } from './spool.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'isocenter-spool-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function* chunks(...texts: (string | Buffer)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text as string);
}
async function readAll(spool: Spool, place: { offset: number; bytes: number }): Promise<Buffer> {
  const read: Buffer[] = [];
  for await (const chunk of spool.read(place)) read.push(chunk);
  return Buffer.concat(read);
}

describe('Spool', () => {
  it('gives back what was put into it, and leaves no file', async () => {
    const spool = await Spool.open(path.join(folder, 'new', 'folder'), 10_000_000);
    const large = Buffer.alloc(1_000_000, 'abc');
    const [first, empty, second] = [
      await spool.append(chunks('he', 'llo')),
      await spool.append(chunks()),
      await spool.append(chunks(large)),
    ];
    expect(await readdir(path.join(folder, 'new', 'folder'))).toEqual([]);
    expect((await readAll(spool, second)).equals(large)).toBe(true);
    expect((await readAll(spool, first)).toString()).toBe('hello');
    expect(await readAll(spool, empty)).toHaveLength(0);
    await spool.close();
  });

  it('takes no more than it may', async () => {
    const spool = await Spool.open(folder, 8);
    await spool.append(chunks('12345'));
    await expect(spool.append(chunks('12', '34'))).rejects.toThrow(SpoolLimitError);
    await spool.close();
  });

  it('says so when there is no disk for it', async () => {
    await expect(Spool.open('/dev/null/spool', 8)).rejects.toThrow(SpoolError);
  });
});

describe('codestreamOf', () => {
  const box = (type: string, content: Buffer, length = content.length + 8) => {
    const header = Buffer.alloc(8);
    header.writeUInt32BE(length);
    header.write(type, 4, 'latin1');
    return Buffer.concat([header, content]);
  };
  const signature = Buffer.from('0000000c6a5020200d0a870a', 'hex');
  const stream = Buffer.from('ff4fff51 and what follows');
  const long = Buffer.concat([Buffer.from('000000016a703263', 'hex'), Buffer.alloc(8), stream]);
  long.writeBigUInt64BE(BigInt(stream.length + 16), 8);

  it.each([
    ['a JP2 file', Buffer.concat([signature, box('ftyp', Buffer.from('jp2 ')), box('jp2c', stream)]), stream],
    ['one whose codestream goes to its end', Buffer.concat([signature, box('jp2c', stream, 0)]), stream],
    ['one with a long length', Buffer.concat([signature, long]), stream],
    ['a codestream', stream, stream],
    ['nothing', Buffer.alloc(0), Buffer.alloc(0)],
  ])('of %s', async (_what, file, expected) => {
    const spool = await Spool.open(folder, 10_000);
    await spool.append(chunks('before'));
    const found = await codestreamOf(await spool.append(chunks(file)), spool);
    expect((await readAll(spool, found)).equals(expected)).toBe(true);
    await spool.close();
  });

  it('leaves a file that is damaged as it is', async () => {
    const spool = await Spool.open(folder, 10_000);
    const file = Buffer.concat([signature, box('ftyp', Buffer.from('jp2 '), 5000), box('jp2c', stream)]);
    expect(await codestreamOf(await spool.append(chunks(file)), spool)).toEqual({ offset: 0, bytes: file.length });
    await spool.close();
  });
});

describe('splitFrames', () => {
  const jpegs = [mosaicJpeg(8, 8, 1, () => 1), mosaicJpeg(16, 8, 1, () => 2), mosaicJpeg(8, 8, 1, () => 3)];
  const j2k = Buffer.concat([Buffer.from('ff4fff51', 'hex'), Buffer.alloc(300_000, 5), Buffer.from('ffd9', 'hex')]);

  it.each([
    ['JPEG', jpegs],
    ['padded JPEG', jpegs.map((jpeg) => Buffer.concat([jpeg, Buffer.alloc(1)]))],
    ['JPEG 2000, across what is read at once', [j2k, j2k, j2k]],
  ])('finds codestreams one after the other: %s', async (_what, frames) => {
    for (let shift = 0; shift < 8; shift += 1) {
      const spool = await Spool.open(folder, 10_000_000);
      await spool.append(chunks(Buffer.alloc(shift)));
      const whole = await spool.append(chunks(...frames));
      const found = await splitFrames(whole, 3, spool);
      expect(found?.map(({ bytes }) => bytes)).toEqual(frames.map((frame) => frame.length));
      expect((await readAll(spool, found![1]!)).equals(frames[1]!)).toBe(true);
      await spool.close();
    }
  });

  it('finds none where they are not as many as the frames', async () => {
    const spool = await Spool.open(folder, 10_000_000);
    const whole = await spool.append(chunks(...jpegs));
    expect(await splitFrames(whole, 2, spool)).toBeUndefined();
    expect(await splitFrames(whole, 4, spool)).toBeUndefined();
    await spool.close();
  });
});
