import type { PostprocessingStep } from '../../models/manifest.js';
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
  levels: Uint16Array;
  labels: Int32Array;
  /** Of a piece's pixels, then of queues. */
  list: Int32Array;
}

let scratch: Scratch | undefined;

/** All zero. */
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
  for (const array of Object.values(scratch) as Scratch[keyof Scratch][]) array.fill(0);
  return scratch;
}

/**
 * Tells touching objects apart by seeded watershed (a flood in the order of the foreground's value).
 *
 * All works on copies with one pixel of nothing around, so that each pixel has eight neighbours and no edge is asked for; loops count,
 * for an iterator makes an object of each pixel: this is done for each tile of a slide while the network is at the next.
 *
 * @param foreground, border One channel each, row by row.
 * @returns the number of its object for each pixel (0: none), and what each object is like, the first at index 0.
 */
export function splitObjects(
  step: Step,
  foreground: ArrayLike<number>,
  border: ArrayLike<number>,
  rows: number,
  columns: number,
): { objects: Int32Array; found: FoundObject[] } {
  const wide = columns + 2;
  const used = scratchOf((rows + 2) * wide);
  const { foreground: isForeground, seeds: isSeed, labels } = used;
  for (let row = 0, at = 0; row < rows; row++) {
    let to = (row + 1) * wide + 1;
    for (let column = 0; column < columns; column++, at++, to++) {
      if (!(foreground[at]! > step.foreground.above)) continue;
      isForeground[to] = 1;
      if (border[at]! < step.border.below) isSeed[to] = 1;
    }
  }
  open(used, wide);
  const pieces = labelPieces(used, wide, step.seedPixelsMin);
  setLevels(used.levels, foreground, step.foreground.above, rows, columns);
  flood(used, wide);
  return keepObjects(step, labels, pieces, rows, columns);
}

/** Drops what is too small or too thin, and numbers the rest anew, without the margin. */
function keepObjects(
  { objectPixelsMin, solidityMin }: Step,
  labels: Int32Array,
  pieces: number,
  rows: number,
  columns: number,
): { objects: Int32Array; found: FoundObject[] } {
  const objects = new Int32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const from = (row + 1) * (columns + 2) + 1;
    objects.set(labels.subarray(from, from + columns), row * columns);
  }
  const { starts, members } = membersOf(objects, pieces);
  const found: FoundObject[] = [];
  const numbers = new Int32Array(pieces + 1);
  for (let object = 1; object <= pieces; object++) {
    const pixels = members.subarray(starts[object], starts[object + 1]);
    const isKept =
      pixels.length >= objectPixelsMin &&
      (solidityMin === 0 || pixels.length / hullArea(pixels, columns) >= solidityMin);
    if (!isKept) continue;
    let row = 0;
    let column = 0;
    for (let index = 0; index < pixels.length; index++) {
      row += Math.floor(pixels[index]! / columns);
      column += pixels[index]! % columns;
    }
    found.push({ pixels: pixels.length, row: row / pixels.length, column: column / pixels.length });
    numbers[object] = found.length;
  }
  for (let index = 0; index < members.length; index++) {
    const at = members[index]!;
    objects[at] = numbers[objects[at]!]!;
  }
  return { objects, found };
}

/** The pixels of each object, row by row: those of `object` from `starts[object]` to `starts[object + 1]`. */
function membersOf(objects: Int32Array, count: number): { starts: Int32Array; members: Int32Array } {
  const starts = new Int32Array(count + 2);
  for (let at = 0; at < objects.length; at++) if (objects[at]! > 0) starts[objects[at]! + 1]!++;
  for (let object = 1; object <= count; object++) starts[object + 1]! += starts[object]!;
  const members = new Int32Array(starts[count + 1]!);
  const next = starts.slice();
  for (let at = 0; at < objects.length; at++) {
    const object = objects[at]!;
    if (object > 0) members[next[object]!++] = at;
  }
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

/** At which level each pixel is flooded: the highest first. */
function setLevels(of: Uint16Array, height: ArrayLike<number>, lowest: number, rows: number, columns: number): void {
  const span = Math.max(1e-6, 1 - lowest);
  for (let row = 0, at = 0; row < rows; row++) {
    let to = (row + 1) * (columns + 2) + 1;
    for (let column = 0; column < columns; column++, at++, to++)
      of[to] = Math.min(levels - 1, Math.max(0, Math.floor(((1 - height[at]!) / span) * levels)));
  }
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
