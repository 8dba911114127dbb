import { tilePosition } from '#libs/images';
import type { FetchedInput } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';
import { number, text } from '../../models/read-attributes.js';
import { slidePixelSpacing } from '../../models/select-tiles.js';
import type { DecodedFrame } from './read-frame.js';

/** Decoded tiles held at once, so that a stripe of squares cut across tile borders reads each tile once. */
const heldBytesMax = 96 * 1024 ** 2;
/** Tiles decoded before they are asked for, where they are asked for one after the other: codecs have threads of their own. */
const tilesAhead = 3;

export interface SlideTile {
  row: number;
  column: number;
  /** Of the frame, and how much of it from its top left lies inside the total pixel matrix. */
  rows: number;
  columns: number;
  insideRows: number;
  insideColumns: number;
}

/** One level of a slide, tile by tile as it is stored. */
export interface SlideLevel {
  matrixRows: number;
  matrixColumns: number;
  spacingMicrometres: readonly [number, number];
  tiles: SlideTile[];
  /** RGB, pixel by pixel, of the tile with this index. */
  read(index: number): Promise<ArrayLike<number>>;
}

/** @throws ModelError 'invalid-input' when tiles cannot be placed, or are not colour with 8 bits. */
export function openLevel({ input }: FetchedInput, readFrame: (index: number) => Promise<DecodedFrame>): SlideLevel {
  const byUid = new Map(input.instances.map((instance) => [text(instance, 'SOPInstanceUID'), instance]));
  const first = input.instances[0]!;
  const [matrixRows, matrixColumns] = [number(first, 'TotalPixelMatrixRows'), number(first, 'TotalPixelMatrixColumns')];
  if (!matrixRows || !matrixColumns)
    throw new ModelError(
      'invalid-input',
      'TotalPixelMatrixRows and TotalPixelMatrixColumns are needed to place tiles.',
    );
  const tiles = input.frames.map(({ sopInstanceUid, frameNumber }): SlideTile => {
    const instance = byUid.get(sopInstanceUid);
    const [rows, columns] = [instance && number(instance, 'Rows'), instance && number(instance, 'Columns')];
    if (!instance || !rows || !columns)
      throw new ModelError('invalid-input', `Instance ${sopInstanceUid} is not in the metadata, or without a size.`);
    try {
      const before = number(instance, 'ConcatenationFrameOffsetNumber') ?? 0;
      const hasPositions = instance['52009230'] !== undefined;
      const { rowOffset, columnOffset } = tilePosition(instance, frameNumber - 1 + (hasPositions ? 0 : before));
      return {
        row: rowOffset,
        column: columnOffset,
        rows,
        columns,
        insideRows: clamp(matrixRows - rowOffset, rows),
        insideColumns: clamp(matrixColumns - columnOffset, columns),
      };
    } catch (error) {
      throw new ModelError('invalid-input', `A tile cannot be placed: ${(error as Error).message}`, { cause: error });
    }
  });

  const held = new Map<number, Promise<ArrayLike<number>>>();
  const heldMax = Math.max(1, Math.floor(heldBytesMax / ((tiles[0]?.rows ?? 1) * (tiles[0]?.columns ?? 1) * 3)));
  const begin = (index: number): Promise<ArrayLike<number>> => {
    const pixels = readFrame(index).then((frame) => tilePixels(frame, index, tiles[index]!));
    // What is wrong with a tile is told to who asks for it, which may be nobody.
    pixels.catch(() => undefined);
    held.set(index, pixels);
    if (held.size > heldMax) held.delete(held.keys().next().value!);
    return pixels;
  };
  return {
    matrixRows,
    matrixColumns,
    spacingMicrometres: slidePixelSpacing(first) ?? [NaN, NaN],
    tiles,
    read: (index) => {
      const known = held.get(index);
      if (known) {
        held.delete(index);
        held.set(index, known);
      }
      const pixels = known ?? begin(index);
      if (held.has(index - 1)) {
        const end = Math.min(index + tilesAhead, tiles.length - 1, index + heldMax - 1);
        for (let next = index + 1; next <= end; next++) if (!held.has(next)) void begin(next);
      }
      return pixels;
    },
  };
}

function tilePixels({ pixels, description }: DecodedFrame, index: number, tile: SlideTile): ArrayLike<number> {
  if (pixels.photometricInterpretation !== 'RGB' || description.bitsStored !== 8)
    throw new ModelError(
      'invalid-input',
      `Tile ${index + 1} is ${pixels.photometricInterpretation} with ${description.bitsStored} bits; colour with 8 bits is needed.`,
    );
  if (pixels.rows !== tile.rows || pixels.columns !== tile.columns)
    throw new ModelError(
      'invalid-input',
      `Tile ${index + 1} is ${pixels.columns} x ${pixels.rows}; ${tile.columns} x ${tile.rows} was announced.`,
    );
  return pixels.data;
}

function clamp(inside: number, size: number): number {
  return Math.max(0, Math.min(size, inside));
}
