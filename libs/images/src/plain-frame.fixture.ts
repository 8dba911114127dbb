import { describeSamples, type FrameDescription } from './frame-description.js';

/** A grey native frame of 8 bits that needs nothing done, for tests to change what matters to them. */
export function plainFrame(change: Partial<FrameDescription> = {}): FrameDescription {
  const samples = describeSamples({
    transferSyntaxUid: '1.2.840.10008.1.2.1',
    rows: 2,
    columns: 2,
    samplesPerPixel: 1,
    bitsAllocated: 8,
    bitsStored: 8,
    highBit: 7,
    pixelRepresentation: 0,
    photometricInterpretation: 'MONOCHROME2',
    planarConfiguration: 0,
  });
  return { ...samples, ...change };
}
