import { describe, expect, it } from '@jest/globals';
import { boundaryOf, layOutMultipart, type Part, type SizedPart, writeMultipart } from './write-multipart.js';

async function* from<T>(items: T[]): AsyncGenerator<T> {
  yield* items;
}

async function read(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

const octets = 'application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1';

describe('writeMultipart', () => {
  it('writes exactly one header a part and CRLF everywhere', async () => {
    const parts: Part[] = [
      { contentType: octets, body: Buffer.from('one') },
      { contentType: octets, body: from([Buffer.from('t'), Buffer.alloc(0), Buffer.from('wo')]) },
    ];
    const answer = await writeMultipart('application/octet-stream', from(parts));
    const boundary = /^multipart\/related; type="application\/octet-stream"; boundary=([0-9a-f]{32})$/.exec(
      answer.contentType,
    )?.[1];
    expect(boundary).toBeDefined();
    expect((await read(answer.body)).toString()).toBe(
      `--${boundary}\r\nContent-Type: ${octets}\r\n\r\none\r\n--${boundary}\r\nContent-Type: ${octets}\r\n\r\ntwo\r\n--${boundary}--\r\n`,
    );
  });

  it('never uses a boundary twice', async () => {
    const contentTypes = new Set<string>();
    for (let at = 0; at < 50; at++) contentTypes.add((await writeMultipart('image/jls', from<Part>([]))).contentType);
    expect(contentTypes.size).toBe(50);
  });

  it('keeps empty and binary bodies as they are', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, at) => at));
    const answer = await writeMultipart(
      'image/jls',
      from<Part>([
        { contentType: 'image/jls', body: Buffer.alloc(0) },
        { contentType: 'image/jls', body: bytes },
        { contentType: 'image/jls', body: from<Uint8Array>([]) },
      ]),
    );
    const boundary = answer.contentType.split('boundary=')[1]!;
    const head = `\r\n--${boundary}\r\nContent-Type: image/jls\r\n\r\n`;
    const expected = Buffer.concat([
      Buffer.from(head.slice(2)),
      Buffer.from(head),
      bytes,
      Buffer.from(`${head}\r\n--${boundary}--\r\n`),
    ]);
    expect(await read(answer.body)).toEqual(expected);
  });

  it('keeps a part’s headers within the 1000 bytes that dcmjs searches', async () => {
    const answer = await writeMultipart(
      'application/dicom',
      from<Part>([{ contentType: octets, body: Buffer.from('x') }]),
    );
    expect((await read(answer.body)).indexOf('\r\n\r\n')).toBeLessThan(1000);
  });

  it('fails before anything is promised when the first part cannot be read', async () => {
    const failing = (async function* (): AsyncGenerator<Uint8Array> {
      yield await Promise.reject(new Error('no such blob'));
    })();
    await expect(writeMultipart('image/jls', from<Part>([{ contentType: octets, body: failing }]))).rejects.toThrow(
      'no such blob',
    );
  });

  it('errors the stream when a later part fails, so that no reader takes it for complete', async () => {
    const failing = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('half');
      throw new Error('disk gone');
    })();
    const answer = await writeMultipart(
      'image/jls',
      from<Part>([
        { contentType: octets, body: Buffer.from('whole') },
        { contentType: octets, body: failing },
      ]),
    );
    await expect(read(answer.body)).rejects.toThrow('disk gone');
  });

  it('closes what it has open when the reader goes away, before reading and half-way', async () => {
    for (const chunksRead of [0, 2]) {
      const closed: string[] = [];
      const body = async function* (): AsyncGenerator<Uint8Array> {
        try {
          for (;;) yield Buffer.alloc(300_000);
        } finally {
          closed.push('body');
        }
      };
      const parts = (async function* (): AsyncGenerator<Part> {
        try {
          yield { contentType: octets, body: body() };
        } finally {
          closed.push('parts');
        }
      })();
      const answer = await writeMultipart('image/jls', parts);
      const iterator = answer.body[Symbol.asyncIterator]();
      for (let at = 0; at < chunksRead; at++) await iterator.next();
      const isClosed = new Promise((resolve) => answer.body.once('close', resolve));
      answer.body.destroy();
      await isClosed;
      expect(closed).toEqual(['body', 'parts']);
    }
  });

  it('takes from a part only as fast as the reader does', async () => {
    let produced = 0;
    const body = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < 100; at++) {
        produced += 1;
        yield Buffer.alloc(1_000_000);
      }
    };
    const answer = await writeMultipart('image/jls', from<Part>([{ contentType: octets, body: body() }]));
    await answer.body[Symbol.asyncIterator]().next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(produced).toBeLessThan(5);
    answer.body.destroy();
  });
});

describe('layOutMultipart', () => {
  const bodies = [Buffer.from('the first body'), Buffer.alloc(0), Buffer.from('and the third, from place to place')];
  const opened: string[] = [];
  const sized = (hasRanges: boolean): SizedPart[] =>
    bodies.map((body, at) => ({
      contentType: octets,
      ...(at === 2 && { location: 'http://here/three' }),
      length: body.length,
      open: async () => {
        opened.push(`${at} whole`);
        return from([body.subarray(0, 3), body.subarray(3)]);
      },
      ...(hasRanges && {
        openRange: async (start: number, length: number) => {
          opened.push(`${at} ${start}+${length}`);
          return from([body.subarray(start, start + length)]);
        },
      }),
    }));
  const fillable = (): SizedPart[] =>
    sized(false).map((part, at) => ({
      ...part,
      readInto: async (start, target) => {
        await Promise.resolve();
        expect(bodies[at]!.copy(target, 0, start)).toBe(target.length);
      },
    }));
  const boundary = boundaryOf('"a"');

  it('is byte for byte what writeMultipart writes, and says how long that is', async () => {
    const laidOut = layOutMultipart('application/octet-stream', sized(true), boundary);
    const whole = await read(await laidOut.open({ start: 0, end: laidOut.length }));
    const written = await writeMultipart(
      'application/octet-stream',
      from(sized(true).map((part, at) => ({ ...part, body: bodies[at]! }))),
      boundary,
    );
    expect(whole).toEqual(await read(written.body));
    expect([laidOut.contentType, laidOut.length]).toEqual([written.contentType, whole.length]);
    const empty = layOutMultipart('image/jls', [], boundary);
    expect((await read(await empty.open({ start: 0, end: empty.length }))).toString()).toBe(`--${boundary}--\r\n`);
  });

  it.each([true, false])('gives any range of it (parts with ranges of their own: %s)', async (hasRanges) => {
    const laidOut = layOutMultipart('application/octet-stream', sized(hasRanges), boundary);
    const whole = await read(await laidOut.open({ start: 0, end: laidOut.length }));
    for (let start = 0; start < laidOut.length; start += 7) {
      for (const end of [start + 1, start + 50, laidOut.length].filter((one) => one <= laidOut.length)) {
        expect((await read(await laidOut.open({ start, end }))).equals(whole.subarray(start, end))).toBe(true);
      }
    }
  });

  it('gives the same from parts that are read straight into their place, and opens none', async () => {
    const whole = await read(
      await layOutMultipart('image/jls', sized(true), boundary).open({
        start: 0,
        end: layOutMultipart('image/jls', sized(true), boundary).length,
      }),
    );
    opened.length = 0;
    const laidOut = layOutMultipart('image/jls', fillable(), boundary);
    expect(laidOut.length).toBe(whole.length);
    for (let start = 0; start < laidOut.length; start += 7) {
      for (const end of [start + 1, start + 50, laidOut.length].filter((one) => one <= laidOut.length)) {
        expect((await read(await laidOut.open({ start, end }))).equals(whole.subarray(start, end))).toBe(true);
        const target = Buffer.alloc(end - start);
        await laidOut.readInto!(start, target);
        expect(target.equals(whole.subarray(start, end))).toBe(true);
      }
    }
    expect(opened).toEqual([]);
  });

  it('gives what is large in chunks, each body in its place', async () => {
    const large = [700_001, 0, 5, 600_000, 900_000].map((length, at) => Buffer.alloc(length, at + 1));
    const parts = large.map((body) => ({
      contentType: octets,
      length: body.length,
      open: async () => from([body]),
      readInto: async (start: number, target: Uint8Array) => void body.copy(target, 0, start),
    }));
    const laidOut = layOutMultipart('image/jls', parts, boundary);
    const written = await read(
      (await writeMultipart('image/jls', from(parts.map((part, at) => ({ ...part, body: large[at]! }))), boundary))
        .body,
    );
    for (const [start, end] of [
      [0, laidOut.length],
      [1, laidOut.length],
      [700_100, laidOut.length - 3],
    ] as const) {
      const body = await laidOut.open({ start, end });
      expect((await read(body)).equals(written.subarray(start, end))).toBe(true);
    }
  });

  it('fails at once where the bytes of the first chunk cannot be read, and errors the stream of a later one', async () => {
    const part = (length: number, isBroken: boolean): SizedPart => ({
      contentType: octets,
      length,
      open: async () => from([Buffer.alloc(length)]),
      readInto: async () => {
        if (isBroken) throw new Error('disk gone');
      },
    });
    const first = layOutMultipart('image/jls', [part(10, true)], boundary);
    await expect(first.open({ start: 0, end: first.length })).rejects.toThrow('disk gone');
    const later = layOutMultipart('image/jls', [part(3_000_000, false), part(10, true)], boundary);
    await expect(read(await later.open({ start: 0, end: later.length }))).rejects.toThrow('disk gone');
  });

  it('opens only the parts, and reads only the bytes, that the range reaches', async () => {
    const laidOut = layOutMultipart('application/octet-stream', sized(true), boundary);
    const whole = await read(await laidOut.open({ start: 0, end: laidOut.length }));
    opened.length = 0;
    const third = whole.indexOf(bodies[2]!);
    await read(await laidOut.open({ start: third + 4, end: third + 10 }));
    expect(opened).toEqual(['2 4+6']);
  });

  it('errors when a part is shorter than announced', async () => {
    const short: SizedPart = { contentType: octets, length: 10, open: async () => from([Buffer.from('nine byte')]) };
    const laidOut = layOutMultipart('image/jls', [short], boundary);
    const body = await laidOut.open({ start: 0, end: laidOut.length });
    await expect(read(body)).rejects.toThrow('before their announced end');
  });

  it('has one boundary for one entity tag, and another for another', () => {
    expect(boundaryOf('"a"')).toBe(boundary);
    expect(boundaryOf('"b"')).not.toBe(boundary);
    expect(boundary).toMatch(/^[0-9a-f]{32}$/);
  });
});
