import { type DicomJson, itemOf, numberOf, numbersOf, textOf, textsOf } from '../../dicom/dicom-json.js';
import { tag } from '../../dicom/tags.js';

/** One tile: where it lies in its level (pixels of that level, from 0) and the frame that holds it. */
export interface Tile {
  left: number;
  top: number;
  sopInstanceUid: string;
  frameNumber: number;
}

export interface Rectangle {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** One resolution of a slide. */
export interface Level {
  width: number;
  height: number;
  tileWidth: number;
  tileHeight: number;
  /** How many pixels of the finest level one of this level covers, along a side. */
  downsample: number;
  /** The tiles that touch a rectangle given in pixels of this level. */
  tilesIn(area: Rectangle): Tile[];
}

export interface Pyramid {
  /** Finest first; never empty. */
  levels: Level[];
  /** Of the finest level; undefined where the slide does not say. */
  millimetresPerPixel: number | undefined;
}

interface Part {
  sopInstanceUid: string;
  dataset: DicomJson;
  /** Frames of the concatenation before this part (PS3.3 C.7.6.16.2.2.4). */
  frameOffset: number;
  frameCount: number;
}

const flavoursThatAreNoLevel = ['LABEL', 'OVERVIEW', 'LOCALIZER', 'THUMBNAIL'];

/**
 * The levels of a whole-slide series (PS3.3 C.8.12.4). Label and overview pictures are not among them; a thumbnail is,
 * when there is nothing else. Of several optical paths or focal planes the first is shown.
 */
export function buildPyramid(instances: readonly DicomJson[]): Pyramid | undefined {
  const isLevel = (instance: DicomJson) =>
    !textsOf(instance, tag.ImageType).some((value) => flavoursThatAreNoLevel.includes(value));
  const volumes = instances.filter(isLevel);
  const groups = groupParts(volumes.length > 0 ? volumes : instances);
  const plain = groups.flatMap((parts) => readLevel(parts) ?? []).sort((a, b) => b.width - a.width);
  const finest = plain[0];
  if (!finest) return undefined;
  const sameSize = (a: { width: number }, b: { width: number }) => a.width === b.width;
  const levels = plain
    .filter((level, index) => index === 0 || !sameSize(level, plain[index - 1]!))
    .map((level) => ({ ...level, downsample: finest.width / level.width }));
  return { levels, millimetresPerPixel: readSpacing(finest.dataset, finest.width) };
}

type PlainLevel = Omit<Level, 'downsample'> & { dataset: DicomJson };

function groupParts(instances: readonly DicomJson[]): Part[][] {
  const groups = new Map<string, Part[]>();
  for (const dataset of instances) {
    const sopInstanceUid = textOf(dataset, tag.SOPInstanceUID);
    if (sopInstanceUid === undefined) continue;
    const key = textOf(dataset, tag.ConcatenationUID) ?? sopInstanceUid;
    const part = {
      sopInstanceUid,
      dataset,
      frameOffset: numberOf(dataset, tag.ConcatenationFrameOffsetNumber) ?? 0,
      frameCount: Math.max(1, numberOf(dataset, tag.NumberOfFrames) ?? 1),
    };
    groups.set(key, [...(groups.get(key) ?? []), part]);
  }
  return [...groups.values()].map((parts) => parts.sort((a, b) => a.frameOffset - b.frameOffset));
}

function readLevel(parts: Part[]): PlainLevel | undefined {
  const dataset = parts[0]!.dataset;
  const tileWidth = numberOf(dataset, tag.Columns);
  const tileHeight = numberOf(dataset, tag.Rows);
  if (!tileWidth || !tileHeight) return undefined;
  const width = numberOf(dataset, tag.TotalPixelMatrixColumns) ?? tileWidth;
  const height = numberOf(dataset, tag.TotalPixelMatrixRows) ?? tileHeight;
  if (width < 1 || height < 1) return undefined;
  const isSparse =
    textOf(dataset, tag.DimensionOrganizationType) !== 'TILED_FULL' &&
    parts.some((part) => (part.dataset[tag.PerFrameFunctionalGroupsSequence]?.Value?.length ?? 0) > 0);
  const tilesIn = isSparse
    ? findSparseTiles(readSparseTiles(parts), tileWidth, tileHeight)
    : (area: Rectangle) => findFullTiles(parts, { width, height, tileWidth, tileHeight }, area);
  return { width, height, tileWidth, tileHeight, tilesIn, dataset };
}

/** TILED_FULL: every tile is there, row by row (PS3.3 C.7.6.17.3). */
function findFullTiles(parts: Part[], level: Omit<Level, 'downsample' | 'tilesIn'>, area: Rectangle): Tile[] {
  const columns = Math.ceil(level.width / level.tileWidth);
  const rows = Math.ceil(level.height / level.tileHeight);
  const first = (low: number, size: number) => Math.max(0, Math.floor(low / size));
  const end = (high: number, size: number, count: number) => Math.min(count, Math.ceil(high / size));
  const tiles: Tile[] = [];
  for (let row = first(area.top, level.tileHeight); row < end(area.bottom, level.tileHeight, rows); row++) {
    for (let column = first(area.left, level.tileWidth); column < end(area.right, level.tileWidth, columns); column++) {
      const frame = row * columns + column;
      const part = parts.find(
        ({ frameOffset, frameCount }) => frame >= frameOffset && frame < frameOffset + frameCount,
      );
      if (!part) continue;
      tiles.push({
        left: column * level.tileWidth,
        top: row * level.tileHeight,
        sopInstanceUid: part.sopInstanceUid,
        frameNumber: frame - part.frameOffset + 1,
      });
    }
  }
  return tiles;
}

/** TILED_SPARSE: each frame says where it lies, counting from 1 (PS3.3 C.8.12.6.1). */
function readSparseTiles(parts: Part[]): Tile[] {
  const tiles = new Map<string, Tile>();
  for (const { dataset, sopInstanceUid } of parts) {
    const frames = (dataset[tag.PerFrameFunctionalGroupsSequence]?.Value ?? []) as DicomJson[];
    frames.forEach((frame, index) => {
      const position = itemOf(frame, tag.PlanePositionSlideSequence);
      const column = numberOf(position, tag.ColumnPositionInTotalImagePixelMatrix);
      const row = numberOf(position, tag.RowPositionInTotalImagePixelMatrix);
      if (column === undefined || row === undefined) return;
      const key = `${column},${row}`;
      if (!tiles.has(key)) tiles.set(key, { left: column - 1, top: row - 1, sopInstanceUid, frameNumber: index + 1 });
    });
  }
  return [...tiles.values()];
}

function findSparseTiles(tiles: Tile[], tileWidth: number, tileHeight: number) {
  return (area: Rectangle) =>
    tiles.filter(
      ({ left, top }) =>
        left < area.right && left + tileWidth > area.left && top < area.bottom && top + tileHeight > area.top,
    );
}

/** Pixel Spacing stands in the shared functional groups, in some slides at the top, else it follows from the width imaged. */
function readSpacing(dataset: DicomJson, width: number): number | undefined {
  const shared = itemOf(itemOf(dataset, tag.SharedFunctionalGroupsSequence), tag.PixelMeasuresSequence);
  const spacing = (numbersOf(shared, tag.PixelSpacing, 2) ?? numbersOf(dataset, tag.PixelSpacing, 2))?.[1];
  if (spacing !== undefined && spacing > 0) return spacing;
  const imagedWidth = numberOf(dataset, tag.ImagedVolumeWidth);
  return imagedWidth !== undefined && imagedWidth > 0 ? imagedWidth / width : undefined;
}
