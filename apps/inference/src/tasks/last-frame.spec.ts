import { describe, expect, it } from '@jest/globals';
import { readPart10 } from '#libs/dicom';
import { type InstanceDescription, makeInstance } from '../../../../test/support/make-instance.js';
import { lastFrame } from './last-frame.js';

const implicit = '1.2.840.10008.1.2';

/** What is found in an instance, and what reading all of it finds. */
function found(description: InstanceDescription, change: (bytes: Buffer) => Buffer = (bytes) => bytes) {
  const made = makeInstance({ seed: 5, rows: 9, columns: 7, ...description });
  const { dataset, sopInstanceUid, transferSyntaxUid, frames } = readPart10(made);
  const frame =
    frames.kind === 'native'
      ? made.subarray(frames.pixelDataOffset, frames.pixelDataOffset + frames.frameBits / 8)
      : undefined;
  const last = lastFrame(change(made), new Map([[sopInstanceUid, dataset]]));
  return { last, read: { sopInstanceUid, transferSyntaxUid, bytes: frame }, made };
}

describe('lastFrame', () => {
  it.each([
    ['words', {}],
    ['an odd number of bytes', { bitsAllocated: 8 }],
    ['implicit VR', { transferSyntaxUid: implicit }],
    ['implicit VR, an odd number of bytes', { transferSyntaxUid: implicit, bitsAllocated: 8 }],
    ['colours', { samplesPerPixel: 3, bitsAllocated: 8 }],
  ] as [string, InstanceDescription][])('finds what reading all of the instance finds: %s', (_, description) => {
    const { last, read } = found(description);
    expect(read.bytes).toBeDefined();
    expect(last).toEqual(read);
  });

  it.each([
    ['compressed', { transferSyntaxUid: '1.2.840.10008.1.2.5', bitsAllocated: 8 }],
    ['big endian', { transferSyntaxUid: '1.2.840.10008.1.2.2' }],
    ['deflated', { transferSyntaxUid: '1.2.840.10008.1.2.1.99' }],
    ['without pixels', { frames: 0 }],
    ['of several frames', { frames: 2 }],
  ] as [string, InstanceDescription][])('leaves what is %s to others', (_, description) => {
    expect(found(description).last).toBeUndefined();
  });

  it('leaves pixels with something behind them to others', () => {
    const padding = Buffer.from('fcfffcff4f420000040000000000000000', 'hex').subarray(0, 16);
    expect(found({}, (bytes) => Buffer.concat([bytes, padding])).last).toBeUndefined();
  });

  it('leaves an instance whose File Meta names another one to others', () => {
    const { made, read } = found({});
    const other = makeInstance({ seed: 6, rows: 9, columns: 7 });
    const wrong = readPart10(other);
    // The header of one, the dataset of the other.
    const start = (bytes: Buffer) => bytes.indexOf(Buffer.from([0x08, 0x00]), 144 + bytes.readUInt32LE(140) - 12);
    const mixed = Buffer.concat([other.subarray(0, start(other)), made.subarray(start(made))]);
    const wanted = new Map([
      [wrong.sopInstanceUid, wrong.dataset],
      [read.sopInstanceUid, readPart10(made).dataset],
    ]);
    expect(readPart10(mixed).sopInstanceUid).toBe(read.sopInstanceUid);
    expect(lastFrame(mixed, wanted)).toBeUndefined();
    expect(lastFrame(made, wanted)?.sopInstanceUid).toBe(read.sopInstanceUid);
  });

  it('leaves what is cut off, or no DICOM, to others', () => {
    for (let length = 0; length < 400; length += 7)
      expect(found({}, (bytes) => bytes.subarray(0, length)).last).toBeUndefined();
    expect(found({}, (bytes) => bytes.subarray(0, bytes.length - 2)).last).toBeUndefined();
  });

  it('leaves an instance that nobody asked for', () => {
    expect(lastFrame(makeInstance({ seed: 5 }), new Map())).toBeUndefined();
  });
});
