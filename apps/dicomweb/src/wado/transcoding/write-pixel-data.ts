import { elementHeader, item } from '#libs/dicom';
import type { TranscodedFrame } from '#libs/images';

const pixelDataTag = '7FE00010';
const undefinedLength = 0xffffffff;

/** Of native pixel data with an explicit length of 32 bits (PS3.5 7.1.2), which is even. */
export const nativeBytesMax = 0xfffffffe;

export interface NativeLayout {
  /** Of one frame: no multiple of 8 for one-bit frames that follow each other without a gap (PS3.5 8.1.1). */
  frameBits: number;
  numberOfFrames: number;
  bitsAllocated: number;
}

/** Bytes of the value, with the one that makes them even. */
export function nativeLength({ frameBits, numberOfFrames }: NativeLayout): number {
  return 2 * Math.ceil((frameBits * numberOfFrames) / 16);
}

/** Pixel Data of frames in Explicit VR Little Endian, the element with its header. */
export async function* writeNative(
  frames: AsyncIterable<TranscodedFrame>,
  layout: NativeLayout,
): AsyncGenerator<Buffer> {
  const { frameBits, bitsAllocated } = layout;
  const length = nativeLength(layout);
  yield elementHeader(pixelDataTag, bitsAllocated > 8 ? 'OW' : 'OB', length);
  const joint = new BitJoint();
  let written = 0;
  for await (const { bytes } of frames) {
    if (bytes.length !== Math.ceil(frameBits / 8)) {
      throw new Error(`A frame has ${bytes.length} bytes instead of ${Math.ceil(frameBits / 8)}`);
    }
    const whole = frameBits % 8 === 0 ? bytes : joint.join(bytes, frameBits);
    written += whole.length;
    yield whole;
  }
  const rest = joint.rest();
  written += rest.length;
  yield Buffer.concat([rest, Buffer.alloc(length - written)]);
}

/**
 * Encapsulated Pixel Data, a fragment a frame (PS3.5 A.4), the element with its header. The offset table is empty, since
 * it comes before the frames and nobody knows their lengths then; none is needed where frames and fragments are one.
 */
export async function* writeFragments(frames: AsyncIterable<TranscodedFrame>): AsyncGenerator<Buffer> {
  yield Buffer.concat([elementHeader(pixelDataTag, 'OB', undefinedLength), item(0xe000, 0)]);
  for await (const { bytes } of frames) {
    const padding = bytes.length % 2;
    yield item(0xe000, bytes.length + padding);
    yield bytes;
    if (padding === 1) yield Buffer.alloc(1);
  }
  yield item(0xe0dd, 0);
}

/** Puts frames that end within a byte next to each other. */
class BitJoint {
  private pending = 0;
  private pendingBits = 0;

  /** @returns whole bytes; what is left over waits for the next frame */
  join(bytes: Buffer, bits: number): Buffer {
    const total = this.pendingBits + bits;
    const out = Buffer.alloc(Math.floor(total / 8));
    let { pending } = this;
    const shift = this.pendingBits;
    for (let at = 0; at < bytes.length; at++) {
      pending |= bytes[at]! << shift;
      if (at < out.length) {
        out[at] = pending & 0xff;
        pending >>= 8;
      }
    }
    this.pendingBits = total % 8;
    this.pending = pending & (2 ** this.pendingBits - 1);
    return out;
  }

  rest(): Buffer {
    return this.pendingBits === 0 ? Buffer.alloc(0) : Buffer.of(this.pending);
  }
}
