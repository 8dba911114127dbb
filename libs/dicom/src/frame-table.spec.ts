import { describe, expect, it } from '@jest/globals';
import { readFrameRange } from './parsed-instance.js';
import {
  DatasetBytes,
  deflated,
  explicitLittleEndian,
  imageElements,
  instanceBytes,
  jpegBaseline,
  part10,
} from './part10-builder.js';
import { readPart10 } from './read-part10.js';

const build = new DatasetBytes();
const rle = '1.2.840.10008.1.2.5';
const h264 = '1.2.840.10008.1.2.4.102';

type Image = Parameters<typeof imageElements>[1];

function framesOf(image: Image, pixelData: Buffer, syntax = explicitLittleEndian, before: Buffer[] = []) {
  const bytes = part10(instanceBytes(build, { after: [...imageElements(build, image), ...before, pixelData] }), syntax);
  return { frames: readPart10(bytes).frames, bytes };
}

/** What readers do with an entry: the bare codestream, or items whose headers they strip. */
function frameBytes(bytes: Buffer, entries: Buffer, index: number): Buffer {
  const { offset, length, fragments } = readFrameRange(entries, index);
  if (fragments === 1) return bytes.subarray(offset, offset + length);
  const parts: Buffer[] = [];
  for (let at = offset; at < offset + length;) {
    expect(bytes.readUInt32LE(at)).toBe(0xe000fffe);
    const size = bytes.readUInt32LE(at + 4);
    parts.push(bytes.subarray(at + 8, at + 8 + size));
    at += 8 + size;
  }
  expect(parts).toHaveLength(fragments);
  return Buffer.concat(parts);
}

function encapsulated(
  frames: number,
  pixelData: Buffer,
  before: Buffer[] = [],
  syntax = jpegBaseline,
): string[] | string {
  const { frames: table, bytes } = framesOf({ frames }, pixelData, syntax, before);
  if (table.kind === 'unindexable') return table.reason;
  if (table.kind !== 'encapsulated') throw new Error(`a table of kind ${table.kind}`);
  expect(table.entries).toHaveLength(16 * table.numberOfFrames);
  return Array.from({ length: table.numberOfFrames }, (_, index) =>
    frameBytes(bytes, table.entries, index).toString('latin1'),
  );
}

const text = (value: string) => Buffer.from(value, 'latin1');
const soi = '\xff\xd8\xff\xe0';
const eoi = '\xff\xd9';

describe('frame table of native pixel data', () => {
  it.each<[string, Image, number, number]>([
    ['8 bits', { rows: 3, columns: 5, frames: 2 }, 30, 120],
    ['16 bits', { rows: 3, columns: 5, bits: 16 }, 30, 240],
    ['three samples', { rows: 2, columns: 2, samples: 3 }, 12, 96],
    ['1 bit, frames not at bytes', { rows: 3, columns: 3, bits: 1, frames: 4 }, 6, 9],
    ['32 bits', { rows: 2, columns: 2, bits: 32 }, 16, 128],
    ['YBR_FULL_422: two samples a pixel', { rows: 2, columns: 2, samples: 3, photometric: 'YBR_FULL_422' }, 8, 64],
    ['YBR_FULL_422 by name only', { rows: 2, columns: 2, samples: 3, photometric: 'YBR_FULL_422' }, 12, 96],
    ['more bytes than frames', { rows: 2, columns: 2 }, 100, 32],
  ])('%s', (_name, image, length, frameBits) => {
    const { frames, bytes } = framesOf(image, build.element('7FE00010', 'OW', Buffer.alloc(length)));
    expect(frames).toEqual({
      kind: 'native',
      pixelDataOffset: bytes.length - length,
      pixelDataLength: length,
      frameBits,
      numberOfFrames: image?.frames ?? 1,
    });
  });

  it('of floats', () => {
    const table = (tag: string, vr: string) =>
      framesOf({ rows: 2, columns: 2, bits: 8 }, build.element(tag, vr, Buffer.alloc(32))).frames;
    expect(table('7FE00008', 'OF')).toMatchObject({ kind: 'native', frameBits: 128 });
    expect(table('7FE00009', 'OD')).toMatchObject({ kind: 'native', frameBits: 256 });
  });

  it.each<[string, Image, number, RegExp]>([
    ['too few bytes', { rows: 3, columns: 5, frames: 2 }, 28, /2 frames of 120 bits do not fit into 28 bytes/],
    ['2147483647 frames', { frames: 2147483647 }, 4, /do not fit/],
    ['no frames', { frames: 0 }, 4, /Number of Frames/],
    ['-1 frames', { frames: -1 }, 4, /Number of Frames/],
    ['no rows', { rows: 0 }, 4, /makes no frame/],
  ])('of %s has no place for a frame', (_name, image, length, reason) => {
    const { frames } = framesOf(image, build.element('7FE00010', 'OB', Buffer.alloc(length)));
    expect(frames).toEqual({ kind: 'unindexable', reason: expect.stringMatching(reason) });
  });

  it('is none without pixel data, or with empty pixel data', () => {
    expect(readPart10(part10(instanceBytes(build))).frames).toEqual({ kind: 'none' });
    expect(framesOf({}, build.element('7FE00010', 'OW')).frames).toEqual({ kind: 'none' });
  });

  it('does not take the pixel data of an icon for that of the instance', () => {
    const icon = build.sequence('00880200', [build.element('7FE00010', 'OW', Buffer.alloc(4))]);
    expect(readPart10(part10(instanceBytes(build, { after: [icon] }))).frames).toEqual({ kind: 'none' });
    const compressed = build.sequence('00880200', [build.fragments([], [text('icon')])]);
    expect(encapsulated(1, build.fragments([], [text('main')]), [compressed])).toEqual(['main']);
  });

  it('cannot be told for a deflated dataset', () => {
    expect(framesOf({}, build.element('7FE00010', 'OB', Buffer.alloc(4)), deflated).frames.kind).toBe('unindexable');
  });
});

describe('frame table of encapsulated pixel data', () => {
  it('takes one fragment a frame', () => {
    expect(encapsulated(3, build.fragments([], ['aa', 'bbbb', 'cc'].map(text)))).toEqual(['aa', 'bbbb', 'cc']);
    // Whatever the offset table says: there is no other way to cut them.
    expect(encapsulated(3, build.fragments([0, 7, 9999], ['aa', 'bbbb', 'cc'].map(text)))).toEqual([
      'aa',
      'bbbb',
      'cc',
    ]);
  });

  it('takes all fragments for a single frame', () => {
    expect(encapsulated(1, build.fragments([], ['aa', 'bb', 'cc'].map(text)))).toEqual(['aabbcc']);
    expect(encapsulated(1, build.fragments([0], ['aa'].map(text)))).toEqual(['aa']);
  });

  it('follows the basic offset table', () => {
    const fragments = ['aa', 'bbbb', 'cc', 'dd'].map(text);
    expect(encapsulated(2, build.fragments([0, 22], fragments))).toEqual(['aabbbb', 'ccdd']);
    expect(encapsulated(3, build.fragments([0, 22, 32], fragments), [], rle)).toEqual(['aabbbb', 'cc', 'dd']);
  });

  it('prefers the extended offset table', () => {
    const table = (values: bigint[]) => {
      const bytes = Buffer.alloc(values.length * 8);
      for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(value, index * 8);
      return build.element('7FE00001', 'OV', bytes);
    };
    const fragments = ['aa', 'bbbb', 'cc', 'dd'].map(text);
    expect(encapsulated(2, build.fragments([], fragments), [table([0n, 22n])])).toEqual(['aabbbb', 'ccdd']);
    expect(encapsulated(2, build.fragments([0, 10], fragments), [table([0n, 22n])])).toEqual(['aabbbb', 'ccdd']);
    expect(encapsulated(2, build.fragments([0, 10], fragments), [table([0n, 23n])])).toEqual(['aa', 'bbbbccdd']);
  });

  it.each([
    ['an offset is where no item begins', [0, 23]],
    ['the first is not the first item', [10, 22]],
    ['it does not ascend', [0, 0]],
    ['it is shorter than the frames', [0]],
    ['an offset is beyond the end', [0, 5000]],
  ])('does not believe an offset table in which %s', (_name, offsets) => {
    expect(encapsulated(2, build.fragments(offsets, ['aa', 'bbbb', 'cc', 'dd'].map(text)))).toMatch(
      /nothing says which/,
    );
  });

  it.each([
    ['JPEG', soi],
    ['JPEG 2000', '\xff\x4f\xff\x51'],
  ])('cuts without offset table where %s codestreams begin and end', (_name, start) => {
    const fragments = [`${start}one`, `more${eoi}\0`, `${start}two${eoi}`, `${start}three`, 'and', `end${eoi}`].map(
      (part) => text(part.length % 2 ? `${part}\0` : part),
    );
    const frames = encapsulated(3, build.fragments([], fragments));
    expect(frames).toHaveLength(3);
    expect(frames[0]).toContain('one');
    expect(frames[0]).toContain('more');
    expect(frames[1]).toContain('two');
    expect(frames[2]).toContain('end');
  });

  it('is not misled by a codestream that begins or ends like another within a frame', () => {
    const thumbnail = [`${soi}aa`, `${soi}bb${eoi}`, `cc${eoi}`, `${soi}dd`, `ee${eoi}`].map(text);
    expect(encapsulated(2, build.fragments([], thumbnail))).toHaveLength(2);
    expect(encapsulated(4, build.fragments([], thumbnail))).toMatch(/5 fragments for 4 frames/);
  });

  it('finds no frames where there are fewer fragments', () => {
    expect(encapsulated(2, build.fragments([], [text('aa')]))).toBe('1 fragments cannot be 2 frames');
    expect(encapsulated(1, build.fragments([], []))).toBe('0 fragments cannot be 1 frames');
  });

  it('finds no frames in a video', () => {
    expect(encapsulated(30, build.fragments([], [text('aa')]), [], h264)).toMatch(/video/);
  });

  it('finds no frames where syntax and pixel data contradict each other', () => {
    expect(framesOf({}, build.fragments([], [text('aa')])).frames.kind).toBe('unindexable');
    expect(framesOf({}, build.element('7FE00010', 'OB', Buffer.alloc(4)), jpegBaseline).frames.kind).toBe(
      'unindexable',
    );
  });

  it('holds many frames', () => {
    const frames = encapsulated(
      1000,
      build.fragments(
        [],
        Array.from({ length: 1000 }, (_, index) => text(String(index).padStart(4, '0'))),
      ),
    );
    expect(frames).toHaveLength(1000);
    expect(frames[999]).toBe('0999');
  });
});
