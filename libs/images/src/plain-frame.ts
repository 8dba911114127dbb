import { type BrightnessTable, brightnessTable, learn } from './brightness-table.js';
import { type FrameDescription, isPlainByte, type VoiWindow } from './frame-description.js';
import { MemoryPool } from './memory-pool.js';
import type { Picture } from './pixels.js';
import type { RenderOptions } from './render-options.js';
import { copyOf, wordsOf } from './sample-array.js';
import { isNative } from './transfer-syntax.js';

/** Larger frames are shown in a process of their own, where their memory is counted. */
const plainBytesMax = 16 * 2 ** 20;

/** Pixels looked up before others have their turn: about half a millisecond. */
const pixelsAtATime = 2 ** 19;

/**
 * Whether a frame needs no codec and no look at its values before they can be shown: uncompressed, grey through one
 * table, or colours of eight bits as they are. Such a frame can be shown where it is, without being copied to another
 * process: nothing in it is interpreted, so nothing in it can do harm.
 */
export function isPlain(bytes: Uint8Array, description: FrameDescription, options: RenderOptions): boolean {
  const { rows, columns, samplesPerPixel, bitsAllocated, sampleType, photometricInterpretation } = description;
  const length = (rows * columns * samplesPerPixel * bitsAllocated) / 8;
  if (!isNative(description.transferSyntaxUid) || sampleType !== 'integer') return false;
  if (length > plainBytesMax || bytes.length < length) return false;
  // JPEG XL takes WebAssembly and half a second.
  if (options.format === 'jxl') return false;
  const { overlays, presentation, color, blend } = options;
  if ([overlays, presentation, color, blend].some((more) => more !== undefined)) return false;
  if (samplesPerPixel === 3) {
    return photometricInterpretation === 'RGB' && isPlainByte(description) && description.planarConfiguration === 0;
  }
  const hasWindow = (options.window ?? description.windows[0] ?? description.voiLut) !== undefined;
  const isWord = bitsAllocated === 16;
  const isByte = bitsAllocated === 8 && description.swapWordBytes === 0;
  return hasWindow && (isWord || isByte) && /^MONOCHROME[12]$/.test(photometricInterpretation);
}

const pictures = new MemoryPool(16 * 2 ** 20);

/** Of a picture that {@link plainPicture} made, once nothing reads it any more. */
export function releasePicture({ data }: Picture): void {
  pictures.give(data.buffer);
}

/** The picture of a frame that {@link isPlain}. Lets others work in between. */
export async function plainPicture(
  bytes: Uint8Array,
  description: FrameDescription,
  window: VoiWindow | undefined,
): Promise<Picture> {
  const { rows, columns, samplesPerPixel, bitsAllocated } = description;
  const size = { width: columns, height: rows };
  const pixels = rows * columns;
  if (samplesPerPixel === 3)
    return { ...size, channels: 3, data: new Uint8Array(copyOf(bytes.subarray(0, 3 * pixels))) };
  const stored = bitsAllocated === 8 ? bytes : wordsOf(bytes, pixels);
  const table = brightnessTable(description, window);
  // Each pixel is written below.
  const data = new Uint8Array(pictures.take(pixels));
  table.users += 1;
  try {
    for (let from = 0; from < pixels; from += pixelsAtATime) {
      if (from > 0) await new Promise(setImmediate);
      const to = Math.min(from + pixelsAtATime, pixels);
      learn(table, stored, from, to);
      lookUpAll(stored, table, data, from, to);
    }
  } finally {
    table.users -= 1;
  }
  return { ...size, channels: 1, data };
}

function lookUpAll(
  stored: Uint8Array | Uint16Array,
  { levels }: BrightnessTable,
  data: Uint8Array<ArrayBuffer>,
  from: number,
  to: number,
): void {
  let i = from;
  if (stored instanceof Uint16Array && stored.byteOffset % 4 === 0 && from % 2 === 0) {
    // Two at a time, little endian as every platform is that Node runs on.
    const words = new Uint32Array(stored.buffer, stored.byteOffset, to >> 1);
    const pairs = new Uint16Array(data.buffer, 0, to >> 1);
    for (let pair = from >> 1; pair < pairs.length; pair++) {
      const both = words[pair] as number;
      pairs[pair] = (levels[both & 0xffff] as number) | ((levels[both >>> 16] as number) << 8);
    }
    i = 2 * pairs.length;
  }
  for (; i < to; i++) data[i] = levels[stored[i] as number] as number;
}
