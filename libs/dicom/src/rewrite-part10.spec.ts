import { describe, expect, it } from '@jest/globals';
import { elementHeader } from './explicit-writer.js';
import {
  DatasetBytes,
  deflated,
  explicitBigEndian,
  explicitLittleEndian,
  imageElements,
  implicitLittleEndian,
  instanceBytes,
  jpegBaseline,
  part10,
  uids,
} from './part10-builder.js';
import { readPart10 } from './read-part10.js';
import { rewritePart10, type Rewriting } from './rewrite-part10.js';
import { toExplicitLittleEndian } from './to-explicit-little-endian.js';

const to = (transferSyntaxUid: string): Rewriting => ({
  sopClassUid: uids.sopClass,
  sopInstanceUid: uids.sopInstance,
  transferSyntaxUid,
});

/** The object in chunks of a size, and how many bytes of it were read. */
function sourceOf(bytes: Buffer, size: number) {
  const read = { bytes: 0 };
  const open = async (offset: number) =>
    (async function* () {
      for (let at = offset; at < bytes.length; at += size) {
        const chunk = bytes.subarray(at, at + size);
        read.bytes += chunk.length;
        yield chunk;
      }
    })();
  return { open, read };
}

async function rewritten(bytes: Buffer, rewriting = to(explicitLittleEndian), size = 1000): Promise<Buffer> {
  const out: Buffer[] = [];
  for await (const chunk of rewritePart10(sourceOf(bytes, size), rewriting)) out.push(chunk);
  return Buffer.concat(out);
}

/** Values small and large, nested and not, in both orders of bytes. */
function object(build: DatasetBytes, syntax: string, turn: boolean): Buffer {
  const words = Buffer.alloc(200_000, Buffer.from([1, 2, 3, 4, 5, 6]));
  const large = turn ? Buffer.from(words).swap16() : words;
  return part10(
    instanceBytes(build, {
      after: [
        build.element('00091010', 'UN', Buffer.alloc(70_001 + 1, 7)),
        ...imageElements(build, { rows: 200, columns: 500, bits: 16 }),
        build.us('00280103', 1),
        build.element('00280107', 'SS', build.numbers(2, [0xfffe])),
        build.sequence('00081140', [build.element('00081155', 'UI', '1.2'), Buffer.alloc(0)]),
        build.sequence('00880200', [Buffer.concat([build.us('00280010', 1), build.element('7FE00010', 'OW', large)])]),
        build.element('7FE00010', 'OW', large),
        build.element('7FE10010', 'LO', 'BEHIND THE PIXELS'),
      ],
    }),
    syntax,
  );
}

describe('rewritePart10', () => {
  const cases: [string, DatasetBytes, string, boolean][] = [
    ['explicit little endian', new DatasetBytes(), explicitLittleEndian, false],
    ['implicit little endian', new DatasetBytes({ implicit: true }), implicitLittleEndian, false],
    ['big endian', new DatasetBytes({ bigEndian: true }), explicitBigEndian, true],
    ['deflated', new DatasetBytes(), deflated, false],
  ];

  it.each(cases)('makes of %s what is made of it in memory, in any chunks', async (_name, build, syntax, turn) => {
    const bytes = object(build, syntax, turn);
    const expected = toExplicitLittleEndian(bytes);
    for (const size of [1, 7, 64, 4096, 65_537, 1_000_000]) {
      expect((await rewritten(bytes, to(explicitLittleEndian), size)).equals(expected)).toBe(true);
    }
  });

  it.each(cases)('writes other pixel data and elements into %s', async (_name, build, syntax, turn) => {
    const bytes = object(build, syntax, turn);
    const pixels = Buffer.from([9, 8, 7, 6]);
    const result = await rewritten(bytes, {
      ...to(jpegBaseline),
      elements: new Map([
        ['00081140', undefined],
        ['00280004', { vr: 'CS', value: Buffer.from('RGB ') }],
        ['00280006', { vr: 'US', value: Buffer.from([0, 0]) }],
        ['00282110', { vr: 'CS', value: Buffer.from('01') }],
      ]),
      pixelData: {
        async *write() {
          yield elementHeader('7FE00010', 'OB', pixels.length);
          yield pixels;
        },
      },
    });
    const before = readPart10(bytes).dataset;
    const { dataset, transferSyntaxUid } = readPart10(result);
    expect(transferSyntaxUid).toBe(jpegBaseline);
    const { '00081140': _gone, '7FE10010': behind, ...same } = before;
    expect(dataset).toEqual({
      ...same,
      '00280004': { vr: 'CS', Value: ['RGB'] },
      '00280006': { vr: 'US', Value: [0] },
      '00282110': { vr: 'CS', Value: ['01'] },
      '7FE00010': { ...before['7FE00010'], vr: 'OB' },
      ...(syntax !== deflated && { '7FE10010': behind }),
    });
    expect(result.indexOf(pixels)).toBeGreaterThan(0);
  });

  it('leaves fragments unread between the dataset and what is behind them, and compressed icons out', async () => {
    const build = new DatasetBytes();
    const fragment = Buffer.alloc(1_000_000, 3);
    const bytes = part10(
      instanceBytes(build, {
        after: [
          ...imageElements(build),
          build.sequence('00880200', [
            Buffer.concat([build.us('00280010', 1), build.fragments([], [fragment.subarray(0, 100)])]),
          ]),
          build.fragments([], [fragment, Buffer.alloc(0)]),
          build.element('7FE10010', 'LO', 'BEHIND'),
        ],
      }),
      jpegBaseline,
    );
    const source = sourceOf(bytes, 4096);
    const out: Buffer[] = [];
    const fragmentsEnd = bytes.indexOf(fragment) + fragment.length;
    const pixelData = {
      fragmentsEnd,
      async *write() {
        yield elementHeader('7FE00010', 'OB', 4);
        yield Buffer.from([1, 2, 3, 4]);
      },
    };
    for await (const chunk of rewritePart10(source, { ...to(explicitLittleEndian), pixelData })) out.push(chunk);
    const { dataset, frames } = readPart10(Buffer.concat(out));
    expect(frames).toMatchObject({ kind: 'native', pixelDataLength: 4 });
    expect(dataset['00880200']).toBeUndefined();
    expect(dataset['7FE10010']?.Value).toEqual(['BEHIND']);
    expect(source.read.bytes).toBeLessThan(fragment.length / 2);
  });

  it('leaves compressed icons of vendors out, and keeps every other private sequence whatever its size', async () => {
    const build = new DatasetBytes();
    const icon = (pixels: Buffer) => build.sequence('000911CE', [Buffer.concat([build.us('00280010', 1), pixels])]);
    const pixels = Buffer.alloc(100, 4);
    const large = Buffer.alloc(3 * 1024 * 1024, 5);
    const bytes = part10(
      instanceBytes(build, {
        after: [
          build.element('00090011', 'LO', 'VENDOR'),
          icon(build.fragments([], [Buffer.alloc(100, 3)])),
          build.sequence('000911CF', [
            Buffer.concat([build.us('00280010', 7), build.element('7FE00010', 'OW', large)]),
          ]),
          build.sequence('000911D0', [build.element('7FE00010', 'OW', Buffer.alloc(8, 6))]),
          ...imageElements(build),
          build.fragments([], [pixels]),
        ],
      }),
      jpegBaseline,
    );
    const pixelData = {
      fragmentsEnd: bytes.indexOf(pixels) + pixels.length,
      async *write() {
        yield elementHeader('7FE00010', 'OB', 4);
        yield Buffer.from([1, 2, 3, 4]);
      },
    };
    const result = await rewritten(bytes, { ...to(explicitLittleEndian), pixelData }, 4096);
    const { dataset } = readPart10(result);
    expect(dataset['000911CE']).toBeUndefined();
    expect(dataset['000911CF']?.Value).toMatchObject([{ '00280010': { Value: [7] } }]);
    expect(result.includes(large)).toBe(true);
    expect(dataset['000911D0']?.Value).toMatchObject([{ '7FE00010': { InlineBinary: 'BgYGBgYGBgY=' } }]);
  });

  it('refuses compressed frames that nobody decodes, broken numbers, and objects cut off', async () => {
    const build = new DatasetBytes();
    const compressed = part10(instanceBytes(build, { after: [build.fragments([], [Buffer.alloc(4)])] }), jpegBaseline);
    await expect(rewritten(compressed)).rejects.toMatchObject({ code: 'unsupported-transfer-syntax' });
    const big = new DatasetBytes({ bigEndian: true });
    const odd = part10(
      instanceBytes(big, { after: [big.element('7FE00010', 'OW', Buffer.alloc(70_001))] }),
      explicitBigEndian,
    );
    await expect(rewritten(odd)).rejects.toMatchObject({ code: 'malformed', tag: '7FE00010' });
    const whole = object(build, explicitLittleEndian, false);
    for (const length of [100, 150, 400, 100_000]) {
      await expect(rewritten(whole.subarray(0, length))).rejects.toMatchObject({ name: 'DicomError' });
    }
    const zipped = object(build, deflated, false);
    await expect(rewritten(zipped.subarray(0, -20))).rejects.toMatchObject({ name: 'DicomError' });
  });
});
