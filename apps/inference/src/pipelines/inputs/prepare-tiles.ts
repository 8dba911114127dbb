import type { TilesInput } from '../../models/manifest.js';
import type { TilesStep } from '../../models/manifest-inputs.js';
import type { FetchedInput } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';
import type { Batch, Place } from '../batch.js';
import { applyPictureStep, untransformed } from '../pictures/picture.js';
import { backgroundColour } from './background-colour.js';
import type { Prepared } from './prepared.js';
import { frameReader } from './read-frame.js';
import { openLevel, type SlideLevel } from './slide-level.js';

const glass = 255;
/** A pixel whose darkest channel is below this share of glass counts as tissue. */
const tissueBelow = 0.86;

interface Square {
  row: number;
  column: number;
  rows: number;
  columns: number;
  insideRows: number;
  insideColumns: number;
}

/**
 * Tiles as [batch, 3, rows, columns], 0..255, padding blank; the tiles of one batch and a bounded number of the slide's own are all
 * that is in memory.
 */
export async function prepareTiles(spec: TilesInput, task: FetchedInput): Promise<Prepared> {
  const level = openLevel(task, frameReader(task));
  const divide = spec.preprocessing.find((step) => step.step === 'divide-by-background');
  const background = divide && (await backgroundColour(level, divide));
  const scale = [0, 1, 2].map((channel) =>
    Float32Array.from({ length: 256 }, (_, value) =>
      background ? Math.min(glass, (value * glass) / background[channel]!) : value,
    ),
  );
  const squares = spec.cut ? cutSquares(level, spec.cut.size) : level.tiles;
  const paint = spec.cut ? regionPainter(level, scale) : undefined;
  const overlap = spec.cut?.overlap ?? 0;
  const blank = spec.preprocessing.find((step) => step.step === 'blank-outside-matrix')?.value ?? glass;

  const draw: Draw = async (index, memory) => {
    const square = squares[index]!;
    const [rows, columns] = [square.rows + 2 * overlap, square.columns + 2 * overlap];
    const data = memory(3 * rows * columns).fill(blank);
    if (paint) await paint(data, square.row - overlap, square.column - overlap, rows, columns);
    else placeTile(data, level.tiles[index]!, await level.read(index), scale);
    return { data, rows, columns };
  };
  return {
    facts: {
      kind: 'tiles',
      matrixRows: level.matrixRows,
      matrixColumns: level.matrixColumns,
      tileRows: squares[0]?.rows ?? 0,
      tileColumns: squares[0]?.columns ?? 0,
      spacingMicrometres: level.spacingMicrometres,
      isOrdered: spec.cut !== undefined,
    },
    numbers: {
      ...(background && { background: Math.min(...background) }),
      pixels: squares.reduce((sum, { insideRows, insideColumns }) => sum + insideRows * insideColumns, 0),
    },
    batches: readBatches(spec, squares, overlap, draw),
  };
}

/** @param memory gives so many elements to draw into, of any content */
type Draw = (
  index: number,
  memory: (length: number) => Float32Array,
) => Promise<{ data: Float32Array; rows: number; columns: number }>;

async function* readBatches(
  spec: TilesInput,
  squares: readonly Square[],
  overlap: number,
  draw: Draw,
): AsyncGenerator<Batch> {
  const rest = spec.preprocessing.filter((step) => step.step === 'channels' || step.step === 'normalise');
  let tiles: { data: Float32Array; dims: [number, number, number] }[] = [];
  let places: Place[] = [];
  // Squares are drawn where they lie in the batch, unless steps make something else of them.
  let drawnInto: Float32Array | undefined;
  const memory = (length: number): Float32Array => {
    if (tiles.length === 0 && drawnInto?.length !== spec.batch * length)
      drawnInto = new Float32Array(spec.batch * length);
    const from = tiles.length * length;
    return drawnInto?.length === spec.batch * length
      ? drawnInto.subarray(from, from + length)
      : new Float32Array(length);
  };
  const together = (): Batch => {
    const [channels, rows, columns] = tiles[0]!.dims;
    let data = drawnInto;
    if (
      data?.length !== tiles.length * channels * rows * columns ||
      tiles.some((tile) => tile.data.buffer !== data!.buffer)
    ) {
      data = new Float32Array(tiles.length * channels * rows * columns);
      tiles.forEach((tile, index) => data!.set(tile.data, index * channels * rows * columns));
    }
    drawnInto = undefined;
    const batch: Batch = { tensor: { data, dims: [tiles.length, channels, rows, columns] }, places };
    tiles = [];
    places = [];
    return batch;
  };
  for (const [index, square] of squares.entries()) {
    const drawn = await draw(index, memory);
    if (spec.tissueAtLeast > 0 && tissueShare(drawn.data) < spec.tissueAtLeast) continue;
    const tile = finish(drawn, rest);
    if (tiles.length > 0 && tile.dims.some((size, axis) => size !== tiles[0]!.dims[axis])) yield together();
    tiles.push(tile);
    places.push({
      kind: 'tile',
      row: square.row,
      column: square.column,
      insideRows: square.insideRows,
      insideColumns: square.insideColumns,
      overlap,
    });
    if (tiles.length === spec.batch) yield together();
  }
  if (tiles.length > 0) yield together();
}

function finish(
  { data, rows, columns }: { data: Float32Array; rows: number; columns: number },
  steps: readonly Extract<TilesStep, { step: 'channels' | 'normalise' }>[],
): { data: Float32Array; dims: [number, number, number] } {
  let picture = { data, channels: 3, rows, columns, spacingMm: undefined, transform: untransformed } as Parameters<
    typeof applyPictureStep
  >[0];
  for (const step of steps) picture = applyPictureStep(picture, step);
  return { data: picture.data, dims: [picture.channels, rows, columns] };
}

function tissueShare(data: Float32Array): number {
  const plane = data.length / 3;
  let count = 0;
  for (let at = 0; at < plane; at++)
    if (Math.min(data[at]!, data[plane + at]!, data[2 * plane + at]!) < tissueBelow * glass) count++;
  return count / plane;
}

function cutSquares(level: SlideLevel, size: number): Square[] {
  const squares: Square[] = [];
  for (let row = 0; row < level.matrixRows; row += size) {
    for (let column = 0; column < level.matrixColumns; column += size) {
      squares.push({
        row,
        column,
        rows: size,
        columns: size,
        insideRows: Math.min(size, level.matrixRows - row),
        insideColumns: Math.min(size, level.matrixColumns - column),
      });
    }
  }
  return squares;
}

/** Pixel by pixel to plane by plane. Apart from what waits for tiles: V8 leaves loops of async functions slow, and makes garbage of floats there. */
function spreadRow(
  data: Float32Array,
  to: number,
  plane: number,
  pixels: ArrayLike<number>,
  from: number,
  count: number,
  scale: readonly Float32Array[],
): void {
  const [red, green, blue] = scale as [Float32Array, Float32Array, Float32Array];
  for (let at = to; at < to + count; at++, from += 3) {
    data[at] = red[pixels[from]!]!;
    data[at + plane] = green[pixels[from + 1]!]!;
    data[at + 2 * plane] = blue[pixels[from + 2]!]!;
  }
}

/** What lies outside the matrix stays as it is. */
function placeTile(
  data: Float32Array,
  tile: SlideLevel['tiles'][number],
  pixels: ArrayLike<number>,
  scale: readonly Float32Array[],
): void {
  const plane = tile.rows * tile.columns;
  for (let row = 0; row < tile.insideRows; row++)
    spreadRow(data, row * tile.columns, plane, pixels, row * tile.columns * 3, tile.insideColumns, scale);
}

/** Draws any rectangle of the level's matrix from the tiles it touches; where no tile lies it leaves what is there. */
function regionPainter(level: SlideLevel, scale: readonly Float32Array[]) {
  const first = level.tiles[0];
  if (!first) throw new ModelError('invalid-input', 'The level has no tiles.');
  const { rows: tileRows, columns: tileColumns } = first;
  if (level.tiles.some((tile) => tile.rows !== tileRows || tile.columns !== tileColumns))
    throw new ModelError('invalid-input', 'The tiles of the level have different sizes.');
  /** By the cell of a grid as wide as a tile in which its top left lies; tiles that overlap or stand askew share cells. */
  const cells = new Map<string, number[]>();
  level.tiles.forEach((tile, index) => {
    const key = `${Math.floor(tile.row / tileRows)} ${Math.floor(tile.column / tileColumns)}`;
    const known = cells.get(key);
    if (known) known.push(index);
    else cells.set(key, [index]);
  });

  return async (data: Float32Array, top: number, left: number, rows: number, columns: number): Promise<void> => {
    const plane = rows * columns;
    for (let down = Math.floor(top / tileRows) - 1; down * tileRows < top + rows; down++) {
      for (let across = Math.floor(left / tileColumns) - 1; across * tileColumns < left + columns; across++) {
        for (const index of cells.get(`${down} ${across}`) ?? []) {
          const tile = level.tiles[index]!;
          const [firstRow, lastRow] = [Math.max(top, tile.row), Math.min(top + rows, tile.row + tile.insideRows)];
          const [firstColumn, lastColumn] = [
            Math.max(left, tile.column),
            Math.min(left + columns, tile.column + tile.insideColumns),
          ];
          if (lastRow <= firstRow || lastColumn <= firstColumn) continue;
          const pixels = await level.read(index);
          for (let row = firstRow; row < lastRow; row++) {
            const from = ((row - tile.row) * tileColumns + firstColumn - tile.column) * 3;
            const to = (row - top) * columns + firstColumn - left;
            spreadRow(data, to, plane, pixels, from, lastColumn - firstColumn, scale);
          }
        }
      }
    }
  };
}
