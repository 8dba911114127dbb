import { type DicomJson, jsonItems, jsonNumber, jsonText } from '#libs/dicom';

/** One level of a slide, or a label or overview of it, as a mosaic of frames. */
export interface TiledLevel {
  totalColumns: number;
  totalRows: number;
  tiles: { frameIndex: number; columnOffset: number; rowOffset: number }[];
}

/**
 * Where the frames of a tiled image lie (PS3.3 C.7.6.17.3 and C.8.12.14). Of several optical paths or focal planes, the
 * first one's.
 * @returns undefined for an image that is not tiled: it has no total pixel matrix, or one frame without a margin
 */
export function tilePositions(dataset: DicomJson, numberOfFrames: number): TiledLevel | undefined {
  const totalColumns = jsonNumber(dataset, '00480006');
  const totalRows = jsonNumber(dataset, '00480007');
  const columns = jsonNumber(dataset, '00280011');
  const rows = jsonNumber(dataset, '00280010');
  if (totalColumns === undefined || totalRows === undefined || columns === undefined || rows === undefined)
    return undefined;
  if (totalColumns < 1 || totalRows < 1 || columns < 1 || rows < 1) return undefined;
  // The one tile of a small level reaches over its edge; what is beyond is not part of the picture.
  const hasMargin = totalColumns <= columns && totalRows <= rows && (totalColumns < columns || totalRows < rows);
  if (numberOfFrames === 1 && !hasMargin) return undefined;
  const level = { totalColumns, totalRows };
  const isFull = jsonText(dataset, '00209311') === 'TILED_FULL' || jsonItems(dataset, '52009230').length === 0;
  return {
    ...level,
    tiles: isFull ? fullTiles(level, columns, rows, numberOfFrames) : sparseTiles(dataset, level, numberOfFrames),
  };
}

/** TILED_FULL: row by row from the top left, the first plane before the next. */
function fullTiles(
  level: { totalColumns: number; totalRows: number },
  columns: number,
  rows: number,
  numberOfFrames: number,
): TiledLevel['tiles'] {
  const across = Math.ceil(level.totalColumns / columns);
  const count = Math.min(numberOfFrames, across * Math.ceil(level.totalRows / rows));
  return Array.from({ length: count }, (_, frameIndex) => ({
    frameIndex,
    columnOffset: (frameIndex % across) * columns,
    rowOffset: Math.floor(frameIndex / across) * rows,
  }));
}

/** TILED_SPARSE: each frame says where it lies, counting from 1. Of frames in one place the first is taken. */
function sparseTiles(
  dataset: DicomJson,
  level: { totalColumns: number; totalRows: number },
  numberOfFrames: number,
): TiledLevel['tiles'] {
  const tiles = new Map<string, TiledLevel['tiles'][number]>();
  jsonItems(dataset, '52009230')
    .slice(0, numberOfFrames)
    .forEach((groups, frameIndex) => {
      const position = jsonItems(groups, '0048021A')[0];
      const column = position && jsonNumber(position, '0048021E');
      const row = position && jsonNumber(position, '0048021F');
      if (column === undefined || row === undefined || column < 1 || row < 1) return;
      if (column > level.totalColumns || row > level.totalRows) return;
      const key = `${column},${row}`;
      if (!tiles.has(key)) tiles.set(key, { frameIndex, columnOffset: column - 1, rowOffset: row - 1 });
    });
  return [...tiles.values()];
}
