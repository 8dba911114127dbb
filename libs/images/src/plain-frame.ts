import { type FrameDescription, isPlainByte, type VoiWindow } from './frame-description.js';
import { brightnessOf } from './grey.js';
import { MemoryPool } from './memory-pool.js';
import type { Picture } from './pixels.js';
import type { RenderOptions } from './render-options.js';
import { copyOf, storedValue } from './sample-array.js';
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
  const table = tableOf(description, window);
  // Each pixel is written below.
  const data = new Uint8Array(pictures.take(pixels));
  table.users += 1;
  try {
    for (let from = 0; from < pixels; from += pixelsAtATime) {
      if (from > 0) await new Promise(setImmediate);
      lookUpAll(stored, table, data, from, Math.min(from + pixelsAtATime, pixels));
    }
  } finally {
    table.users -= 1;
  }
  return { ...size, channels: 1, data };
}

function wordsOf(bytes: Uint8Array, count: number): Uint16Array {
  if (bytes.byteOffset % 2 === 0) return new Uint16Array(bytes.buffer, bytes.byteOffset, count);
  return new Uint16Array(copyOf(bytes.subarray(0, 2 * count)));
}

/** The brightness of each word as it is in the file, worked out when it is first met: -1 until then. */
interface Table {
  /** Pictures that are being made with it: its memory is nobody else's until then. */
  users: number;
  known: Int16Array<ArrayBuffer>;
  brightnessOf: (word: number) => number;
}

function lookUpAll(
  stored: Uint8Array | Uint16Array,
  { known, brightnessOf: workOut }: Table,
  data: Uint8Array,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) {
    const word = stored[i] as number;
    let brightness = known[word] as number;
    if (brightness < 0) {
      brightness = workOut(word);
      known[word] = brightness;
    }
    data[i] = brightness;
  }
}

/** Tables by all that decides them; the slices of a series share one. */
const tables = new Map<string, Table>();
const tablesMax = 32;
/** Of tables that are not used any more: memory outside the heap costs the garbage collector more than filling it. */
const tableMemory = new MemoryPool(2 ** 20);

/** For words with the bits that do not count, in either byte order. */
function tableOf(description: FrameDescription, window: VoiWindow | undefined): Table {
  const { bitsAllocated, bitsStored, highBit, pixelRepresentation, swapWordBytes, photometricInterpretation } =
    description;
  const { rescaleSlope, rescaleIntercept, modalityLut, voiLut, presentationLut } = description;
  const chosen = window ?? description.windows[0];
  const hasLuts = modalityLut !== undefined || presentationLut !== undefined || (chosen === undefined && voiLut);
  const bits = [bitsAllocated, bitsStored, highBit, pixelRepresentation, swapWordBytes];
  const key = JSON.stringify([bits, photometricInterpretation, rescaleSlope, rescaleIntercept, chosen]);
  const kept = hasLuts ? undefined : tables.get(key);
  if (kept !== undefined) return kept;

  const toGrey = brightnessOf(description, chosen);
  const layout = { bitsStored, highBit, pixelRepresentation };
  const table: Table = {
    users: 0,
    known: new Int16Array(tableMemory.take(2 * 2 ** bitsAllocated)).fill(-1),
    brightnessOf: (raw) => {
      const word = swapWordBytes === 2 ? ((raw & 0xff) << 8) | (raw >> 8) : raw;
      return toGrey(storedValue(word, bitsAllocated, layout));
    },
  };
  if (!hasLuts) {
    tables.set(key, table);
    const [oldest] = tables;
    if (tables.size > tablesMax && oldest) {
      tables.delete(oldest[0]);
      if (oldest[1].users === 0) tableMemory.give(oldest[1].known.buffer);
    }
  }
  return table;
}
