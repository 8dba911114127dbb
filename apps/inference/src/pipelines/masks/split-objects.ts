import type { PostprocessingStep } from '../../models/manifest.js';
import type { Tensor } from '../tensor.js';
import { hullArea } from './hull-area.js';

type Step = Extract<PostprocessingStep, { step: 'split-objects' }>;

export interface FoundObject {
  pixels: number;
  /** Of its pixels' centres. */
  row: number;
  column: number;
}

/** Fineness in which basins grow: the foreground's value in so many levels. */
const levels = 1024;

/** What one tile needs and the next can use again: fresh memory of this size, tile after tile, keeps the collector busy. */
interface Scratch {
  foreground: Uint8Array;
  seeds: Uint8Array;
  eroded: Uint8Array;
  opened: Uint8Array;
  /** Read only where the foreground is. */
  levels: Uint16Array;
  labels: Int32Array;
  /** Of a piece's pixels, then of queues, then of the pixels of all objects. */
  list: Int32Array;
}

let scratch: Scratch | undefined;

/** All zero but `levels` and `list`. */
function scratchOf(size: number): Scratch {
  if (scratch?.labels.length !== size) {
    const bytes = () => new Uint8Array(size);
    const numbers = () => new Int32Array(size);
    scratch = {
      foreground: bytes(),
      seeds: bytes(),
      eroded: bytes(),
      opened: bytes(),
      levels: new Uint16Array(size),
      labels: numbers(),
      list: numbers(),
    };
    return scratch;
  }
  const { foreground, seeds, eroded, opened, labels } = scratch;
  for (const array of [foreground, seeds, eroded, opened, labels]) array.fill(0);
  return scratch;
}

/**
 * Tells touching objects apart by seeded watershed (a flood in the order of the foreground's value).
 *
 * All works on copies with one pixel of nothing around, so that each pixel has eight neighbours and no edge is asked for; loops count,
 * for an iterator makes an object of each pixel: this is done for each tile of a slide while the network is at the next.
 *
 * @param foreground, border One channel each, row by row.
 * @param mask of zeros, as large: is written 1 where an object is
 * @returns what each object is like
 */
export function splitObjects(
  step: Step,
  foreground: Tensor['data'],
  border: Tensor['data'],
  rows: number,
  columns: number,
  mask: Uint8Array,
): FoundObject[] {
  const wide = columns + 2;
  const used = scratchOf((rows + 2) * wide);
  mark(used, step, foreground, border, rows, columns);
  open(used, wide);
  const pieces = labelPieces(used, wide, step.seedPixelsMin);
  flood(used, wide);
  return keepObjects(used, step, pieces, columns, mask);
}

/** Where the foreground is, where seeds may be, and at which level each pixel of it is flooded: the highest first. */
function mark(
  { foreground: isForeground, seeds: isSeed, levels: levelOf }: Scratch,
  step: Step,
  foreground: Tensor['data'],
  border: Tensor['data'],
  rows: number,
  columns: number,
): void {
  const { above } = step.foreground;
  const { below } = step.border;
  const span = Math.max(1e-6, 1 - above);
  for (let row = 0, at = 0; row < rows; row++) {
    let to = (row + 1) * (columns + 2) + 1;
    for (let column = 0; column < columns; column++, at++, to++) {
      const height = foreground[at]!;
      if (!(height > above)) continue;
      isForeground[to] = 1;
      if (border[at]! < below) isSeed[to] = 1;
      levelOf[to] = Math.min(levels - 1, Math.max(0, Math.floor(((1 - height) / span) * levels)));
    }
  }
}

/** Drops what is too small or too thin. */
function keepObjects(
  { labels, list }: Scratch,
  { objectPixelsMin, solidityMin }: Step,
  pieces: number,
  columns: number,
  mask: Uint8Array,
): FoundObject[] {
  const wide = columns + 2;
  const { starts, members } = membersOf(labels, pieces, list);
  const found: FoundObject[] = [];
  for (let object = 1; object <= pieces; object++) {
    const pixels = members.subarray(starts[object], starts[object + 1]);
    const isKept =
      pixels.length >= objectPixelsMin && (solidityMin === 0 || pixels.length / hullArea(pixels, wide) >= solidityMin);
    if (!isKept) continue;
    let row = 0;
    let column = 0;
    for (let index = 0; index < pixels.length; index++) {
      // Without the margin.
      const down = Math.floor(pixels[index]! / wide) - 1;
      const across = pixels[index]! - (down + 1) * wide - 1;
      row += down;
      column += across;
      mask[down * columns + across] = 1;
    }
    found.push({ pixels: pixels.length, row: row / pixels.length, column: column / pixels.length });
  }
  return found;
}

/** The pixels of each object, row by row: those of `object` from `starts[object]` to `starts[object + 1]`. @param members is written */
function membersOf(
  labels: Int32Array,
  count: number,
  members: Int32Array,
): { starts: Int32Array; members: Int32Array } {
  const starts = new Int32Array(count + 2);
  for (let at = 0; at < labels.length; at++) if (labels[at] !== 0) starts[labels[at]! + 1]!++;
  for (let object = 1; object <= count; object++) starts[object + 1]! += starts[object]!;
  const next = starts.slice();
  for (let at = 0; at < labels.length; at++) if (labels[at] !== 0) members[next[labels[at]!]!++] = at;
  return { starts, members };
}

/** Eroded and dilated again by 3 x 3; beyond the edge there is nothing. */
function open({ seeds: mask, eroded, opened: dilated }: Scratch, wide: number): void {
  const around = neighbours(wide);
  // What is on the margin is 0, so that nothing survives beside it, and the first and last row need no look.
  for (let at = wide + 1; at < mask.length - wide - 1; at++) {
    if (mask[at] === 0) continue;
    const above = at - wide;
    const below = at + wide;
    eroded[at] =
      mask[above - 1]! &
      mask[above]! &
      mask[above + 1]! &
      mask[at - 1]! &
      mask[at + 1]! &
      mask[below - 1]! &
      mask[below]! &
      mask[below + 1]!;
  }
  for (let at = wide + 1; at < eroded.length - wide - 1; at++) {
    if (eroded[at] === 0) continue;
    // It had all its neighbours: none of them is on the margin.
    dilated[at] = 1;
    for (let to = 0; to < 8; to++) dilated[at + around[to]!] = 1;
  }
}

/** 8-connected pieces of at least so many pixels, numbered from 1. @returns how many */
function labelPieces({ opened: mask, labels, list: piece }: Scratch, wide: number, pixelsMin: number): number {
  const around = neighbours(wide);
  let count = 0;
  for (let start = 0; start < mask.length; start++) {
    if (mask[start] !== 1) continue;
    let length = 1;
    piece[0] = start;
    mask[start] = 2;
    for (let next = 0; next < length; next++) {
      const at = piece[next]!;
      for (let to = 0; to < 8; to++) {
        const other = at + around[to]!;
        if (mask[other] !== 1) continue;
        mask[other] = 2;
        piece[length++] = other;
      }
    }
    if (length < pixelsMin) continue;
    count++;
    for (let index = 0; index < length; index++) labels[piece[index]!] = count;
  }
  return count;
}

/** A queue for each level, first in first out; a pixel is in one of them once, so that they are lists through one array. */
function flood({ labels, foreground: mask, levels: levelOf, list: after }: Scratch, wide: number): void {
  const around = neighbours(wide);
  const [first, last] = [new Int32Array(levels), new Int32Array(levels)];
  after.fill(0);
  const push = (level: number, at: number) => {
    // Index 0 is on the margin, and stands for none.
    if (last[level] === 0) first[level] = at;
    else after[last[level]!] = at;
    last[level] = at;
  };
  for (let at = 0; at < labels.length; at++) if (labels[at] !== 0) push(levelOf[at]!, at);
  for (let level = 0; level < levels; level++) {
    for (let at = first[level]!; at !== 0; at = after[at]!) {
      for (let to = 0; to < 8; to++) {
        const other = at + around[to]!;
        if (mask[other] === 0 || labels[other] !== 0) continue;
        labels[other] = labels[at]!;
        push(Math.max(level, levelOf[other]!), other);
      }
    }
  }
}

/** The eight, row by row. */
function neighbours(wide: number): Int32Array {
  return Int32Array.of(-wide - 1, -wide, -wide + 1, -1, 1, wide - 1, wide, wide + 1);
}
