import type { DicomJson } from '#libs/dicom';
import type { FetchedInput } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';
import { items, number, text } from '../../models/read-attributes.js';

export interface TileArea {
  rows: number;
  columns: number;
  /** How much of the tile, from its top left, lies inside the total pixel matrix. */
  insideRows: number;
  insideColumns: number;
}

/**
 * How much of each tile is picture and how much padding: by the position of each frame, or row by row from the top left for
 * TILED_FULL, which leaves positions out (PS3.3 C.7.6.17.3).
 */
export function tileAreas({ input }: FetchedInput): TileArea[] {
  const byUid = new Map(input.instances.map((instance) => [text(instance, 'SOPInstanceUID'), describe(instance)]));
  return input.frames.map(({ sopInstanceUid, frameNumber }) => {
    const level = byUid.get(sopInstanceUid);
    if (!level) throw new ModelError('invalid-input', `Instance ${sopInstanceUid} is not in the metadata.`);
    const { row, column } = level.position(frameNumber - 1);
    return {
      rows: level.rows,
      columns: level.columns,
      insideRows: clamp(level.matrixRows - row, level.rows),
      insideColumns: clamp(level.matrixColumns - column, level.columns),
    };
  });
}

function describe(instance: DicomJson) {
  const [rows, columns] = [number(instance, 'Rows'), number(instance, 'Columns')];
  const [matrixRows, matrixColumns] = [
    number(instance, 'TotalPixelMatrixRows'),
    number(instance, 'TotalPixelMatrixColumns'),
  ];
  if (!rows || !columns || !matrixRows || !matrixColumns)
    throw new ModelError(
      'invalid-input',
      'Rows, Columns, TotalPixelMatrixRows and TotalPixelMatrixColumns are needed to place tiles.',
    );

  const groups = items(instance, 'PerFrameFunctionalGroupsSequence');
  const across = Math.ceil(matrixColumns / columns);
  const offset = number(instance, 'ConcatenationFrameOffsetNumber') ?? 0;
  const position = (index: number): { row: number; column: number } => {
    const plane = groups[index] && items(groups[index], 'PlanePositionSlideSequence')[0];
    const row = plane && number(plane, 'RowPositionInTotalImagePixelMatrix');
    const column = plane && number(plane, 'ColumnPositionInTotalImagePixelMatrix');
    if (row !== undefined && column !== undefined) return { row: row - 1, column: column - 1 };
    const tile = index + offset;
    return { row: Math.floor(tile / across) * rows, column: (tile % across) * columns };
  };
  return { rows, columns, matrixRows, matrixColumns, position };
}

function clamp(inside: number, size: number): number {
  return Math.max(0, Math.min(size, inside));
}
