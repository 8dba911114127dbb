import { describe, expect, it } from '@jest/globals';
import type { CodestreamHeader } from './codestream-header.js';
import { fitSamples } from './fit-samples.js';
import type { FrameDescription } from './frame-description.js';

const header = (change: Partial<CodestreamHeader>) =>
  ({ codec: 'jpeg', precision: 12, isSigned: false, ...change }) as CodestreamHeader;
const description = (bitsAllocated: number, bitsStored: number, pixelRepresentation: 0 | 1) =>
  ({ bitsAllocated, bitsStored, highBit: bitsStored - 1, pixelRepresentation }) as FrameDescription;
const words = (...values: number[]) => new Uint8Array(Uint16Array.from(values).buffer);

describe('fitSamples', () => {
  it('limits what a lossy transform made too bright or too dark, and does not wrap it around', () => {
    expect([...fitSamples(words(1022, 1023, 1024), header({}), description(16, 10, 0))]).toEqual([1022, 1023, 1023]);
    const signed = header({ codec: 'jpeg2000', precision: 16, isSigned: true });
    expect([...fitSamples(words(-600, -512, 511, 600), signed, description(16, 10, 1))]).toEqual([
      -512, -512, 511, 511,
    ]);
  });

  it('removes what is above Bits Stored in samples that were coded as they are', () => {
    const lossless = header({ codec: 'jpeg-lossless', precision: 16 });
    expect([...fitSamples(words(0xf3ff, 0x0400), lossless, description(16, 10, 0))]).toEqual([0x3ff, 0]);
  });

  it('finds the sign in the highest bit that the codestream carries', () => {
    const twelve = header({ codec: 'jpeg-lossless', precision: 12 });
    expect([...fitSamples(words(0x0fff, 0x0800, 1), twelve, description(16, 16, 1))]).toEqual([-1, -2048, 1]);
    const unsigned2000 = header({ codec: 'jpeg2000', precision: 12 });
    expect([...fitSamples(words(0x0fff), unsigned2000, description(16, 12, 1))]).toEqual([-1]);
    const signed2000 = header({ codec: 'jpeg2000', precision: 12, isSigned: true });
    expect([...fitSamples(words(-5), signed2000, description(16, 12, 0))]).toEqual([4091]);
  });

  it("makes samples as wide as the dataset's", () => {
    const eight = header({ codec: 'jpeg-ls', precision: 8 });
    const source = Uint8Array.of(255, 1);
    expect(fitSamples(source, eight, description(8, 8, 0))).toEqual(Uint8Array.of(255, 1));
    expect(fitSamples(source, eight, description(16, 8, 0))).toEqual(Uint16Array.of(255, 1));
    expect(fitSamples(source, eight, description(16, 8, 1))).toEqual(Int16Array.of(-1, 1));
    expect(fitSamples(source, eight, description(32, 8, 1))).toEqual(Int32Array.of(-1, 1));
  });
});
