import type { FrameDescription, VoiWindow } from './frame-description.js';
import { brightnessOf } from './grey.js';
import { MemoryPool } from './memory-pool.js';
import { storedValue } from './sample-array.js';

/** The brightness of every word as it is in a file of 8 or 16 bits allocated: by the word itself, as an unsigned number. */
export interface BrightnessTable {
  /** Pictures that are being made with it: its memory is nobody else's until then. */
  users: number;
  levels: Uint8Array<ArrayBuffer>;
  /** Of tables that are worked out only for the words that are met; see {@link learn}. */
  unknown?: Unknown;
}

interface Unknown {
  isKnown: Uint8Array;
  brightnessOf: (word: number) => number;
}

/** Tables by all that decides them; the slices of a series share one. */
const tables = new Map<string, BrightnessTable>();
const tablesMax = 32;
/** Of tables that are not used any more: memory outside the heap costs the garbage collector more than filling it. */
const tableMemory = new MemoryPool(2 ** 20);

/** For words with the bits that do not count, in either byte order. */
export function brightnessTable(description: FrameDescription, window: VoiWindow | undefined): BrightnessTable {
  const { bitsAllocated, bitsStored, highBit, pixelRepresentation, swapWordBytes, photometricInterpretation } =
    description;
  const { rescaleSlope, rescaleIntercept, modalityLut, voiLut, presentationLut } = description;
  const chosen = window ?? description.windows[0];
  const toGrey = brightnessOf(description, chosen);
  const toStored = (raw: number): number => {
    const word = swapWordBytes === 2 ? ((raw & 0xff) << 8) | (raw >> 8) : raw;
    return storedValue(word, bitsAllocated, { bitsStored, highBit, pixelRepresentation });
  };
  const hasLuts = modalityLut !== undefined || presentationLut !== undefined || (chosen === undefined && voiLut);
  if (hasLuts) {
    const words = 2 ** bitsAllocated;
    const unknown = { isKnown: new Uint8Array(words), brightnessOf: (word: number) => toGrey(toStored(word)) };
    return { users: 0, levels: new Uint8Array(words), unknown };
  }

  const bits = [bitsAllocated, bitsStored, highBit, pixelRepresentation, swapWordBytes];
  const key = JSON.stringify([bits, photometricInterpretation, rescaleSlope, rescaleIntercept, chosen]);
  const kept = tables.get(key);
  if (kept !== undefined) return kept;
  const levels = new Uint8Array(tableMemory.take(2 ** bitsAllocated));
  const isAtBottom = highBit === bitsStored - 1 && swapWordBytes === 0;
  if (isAtBottom) fillRepeatedly(levels, levelsOfValues(toGrey, bitsStored, pixelRepresentation === 1));
  else fillEach(levels, levelsOfValues(toGrey, bitsStored, pixelRepresentation === 1), toStored);
  const table = { users: 0, levels };
  tables.set(key, table);
  const [oldest] = tables;
  if (tables.size > tablesMax && oldest) {
    tables.delete(oldest[0]);
    if (oldest[1].users === 0) tableMemory.give(oldest[1].levels.buffer);
  }
  return table;
}

/** Works out what a table does not know of some words, before they are looked up. */
export function learn(
  { levels, unknown }: BrightnessTable,
  words: Uint8Array | Uint16Array,
  from: number,
  to: number,
): void {
  if (unknown === undefined) return;
  const { isKnown, brightnessOf: workOut } = unknown;
  for (let i = from; i < to; i++) {
    const word = words[i] as number;
    if (isKnown[word] === 1) continue;
    levels[word] = workOut(word);
    isKnown[word] = 1;
  }
}

/**
 * Brightness by stored value, a negative one by its bits. Rescaling and windows only ever rise, or only ever fall: most of
 * the values are outside of the window, where they are all black or all white, and need not be worked out.
 */
function levelsOfValues(toGrey: (stored: number) => number, bits: number, isSigned: boolean): Uint8Array {
  const count = 2 ** bits;
  const lowest = isSigned ? -count / 2 : 0;
  const at = (index: number): number => toGrey(lowest + index);
  const [first, last] = [at(0), at(count - 1)];
  const start = firstWhere(count, (index) => at(index) !== first);
  const end = firstWhere(count, (index) => at(index) === last);
  const levels = new Uint8Array(count);
  levels.fill(first, 0, start);
  for (let index = start; index < end; index++) levels[index] = at(index);
  levels.fill(last, Math.max(start, end));
  if (!isSigned) return levels;
  const byBits = new Uint8Array(count);
  byBits.set(levels.subarray(count / 2), 0);
  byBits.set(levels.subarray(0, count / 2), count / 2);
  return byBits;
}

/** The first index that holds, where all after it do; `count` when none does. */
function firstWhere(count: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The bits that count are the lowest: whatever lies above them, the same again. */
function fillRepeatedly(levels: Uint8Array, values: Uint8Array): void {
  levels.set(values, 0);
  for (let filled = values.length; filled < levels.length; filled *= 2) levels.copyWithin(filled, 0, filled);
}

function fillEach(levels: Uint8Array, values: Uint8Array, toStored: (word: number) => number): void {
  const mask = values.length - 1;
  for (let word = 0; word < levels.length; word++) levels[word] = values[toStored(word) & mask] as number;
}
