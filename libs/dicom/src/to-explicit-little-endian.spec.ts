import { describe, expect, it } from '@jest/globals';
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
} from './part10-builder.js';
import { readPart10 } from './read-part10.js';
import { toExplicitLittleEndian } from './to-explicit-little-endian.js';

function object(build: DatasetBytes, pixels: Buffer, syntax: string): Buffer {
  return part10(
    instanceBytes(build, {
      after: [
        ...imageElements(build, { rows: 1, columns: 2, bits: 16 }),
        build.us('00280103', 1),
        build.element('00280107', 'SS', build.numbers(2, [0xfffe])),
        build.element('00280009', 'AT', build.numbers(2, [0x0018, 0x1063])),
        build.sequence('00081140', [build.element('00081155', 'UI', '1.2'), Buffer.alloc(0)], { defined: true }),
        build.element('00100010', 'PN', Buffer.from('Grüße ', 'latin1')),
        build.element('7FE00010', 'OW', pixels),
      ],
    }),
    syntax,
  );
}

const little = Buffer.from([1, 2, 3, 4]);

describe('toExplicitLittleEndian', () => {
  it.each([
    ['explicit little endian', new DatasetBytes(), little, explicitLittleEndian],
    ['implicit little endian', new DatasetBytes({ implicit: true }), little, implicitLittleEndian],
    ['big endian', new DatasetBytes({ bigEndian: true }), Buffer.from([2, 1, 4, 3]), explicitBigEndian],
    ['deflated', new DatasetBytes(), little, deflated],
  ])('keeps what an object in %s says', (_name, build, pixels, syntax) => {
    const source = object(build, pixels, syntax);
    const result = toExplicitLittleEndian(source);
    const read = readPart10(result);
    expect(read.transferSyntaxUid).toBe(explicitLittleEndian);
    expect(read.dataset).toEqual(readPart10(source).dataset);
    expect(read.dataset['00280107']).toEqual({ vr: 'SS', Value: [-2] });
    expect(read.frames).toMatchObject({ kind: 'native', pixelDataLength: 4, frameBits: 32 });
    expect(result.subarray(-4)).toEqual(little);
  });

  it('turns pixels of 32 bits round as a whole, and bytes not at all', () => {
    const build = new DatasetBytes({ bigEndian: true });
    const last = (bits: number, vr: string) =>
      toExplicitLittleEndian(
        part10(
          instanceBytes(build, { after: [...imageElements(build, { bits }), build.element('7FE00010', vr, little)] }),
          explicitBigEndian,
        ),
      ).subarray(-4);
    expect(last(32, 'OW')).toEqual(Buffer.from([4, 3, 2, 1]));
    expect(last(8, 'OW')).toEqual(Buffer.from([2, 1, 4, 3]));
    expect(last(8, 'OB')).toEqual(little);
  });

  it('writes a value too long for its VR as UN', () => {
    const build = new DatasetBytes({ implicit: true });
    const long = build.element('00104000', 'LT', 'x'.repeat(70_000));
    const result = toExplicitLittleEndian(part10(instanceBytes(build, { after: [long] }), implicitLittleEndian));
    expect(readPart10(result).dataset['00104000']).toEqual({ vr: 'LT', Value: ['x'.repeat(70_000)] });
  });

  it('refuses compressed frames, broken numbers, and objects cut off', () => {
    const build = new DatasetBytes();
    const compressed = part10(instanceBytes(build, { after: [build.fragments([], [little])] }), jpegBaseline);
    expect(() => toExplicitLittleEndian(compressed)).toThrow(
      expect.objectContaining({ code: 'unsupported-transfer-syntax' }),
    );
    const big = new DatasetBytes({ bigEndian: true });
    const broken = part10(
      instanceBytes(big, { after: [big.element('00280010', 'US', Buffer.alloc(3))] }),
      explicitBigEndian,
    );
    expect(() => toExplicitLittleEndian(broken)).toThrow(
      expect.objectContaining({ code: 'malformed', tag: '00280010' }),
    );
    expect(() => toExplicitLittleEndian(object(build, little, explicitLittleEndian).subarray(0, -1))).toThrow(
      expect.objectContaining({ code: 'truncated' }),
    );
  });
});
