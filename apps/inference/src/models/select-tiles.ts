import type { DicomJson } from '#libs/dicom';
import type { TilesInput } from './manifest.js';
import { items, number, numbers, text, texts } from './read-attributes.js';
import type { Candidate } from './candidate.js';

/**
 * The pyramid level of a slide whose pixel spacing is nearest the wanted one: only images of the specimen (Image Type value 3
 * is VOLUME, PS3.3 C.8.12.4.1.1), in one focal plane. A level cut into a concatenation is taken with all its parts or not at all.
 */
export function selectTiles(spec: TilesInput, seriesInstanceUid: string, instances: DicomJson[]): Candidate {
  const wanted = spec.pixelSpacingMicrometres;
  const levels: { parts: DicomJson[]; micrometres: number; tiles: number }[] = [];
  let reason = 'no image of it has VOLUME as third value of ImageType';
  const volumes = instances.filter((instance) => texts(instance, 'ImageType')[2]?.toUpperCase() === 'VOLUME');

  for (const parts of Map.groupBy(volumes, levelKey).values()) {
    const level = describeLevel(parts);
    if (typeof level === 'string') reason = level;
    else if (level.micrometres < wanted.atLeast || level.micrometres > wanted.atMost)
      reason = `no pyramid level has a pixel spacing of ${wanted.atLeast} to ${wanted.atMost} micrometres`;
    else if (level.tiles > spec.tiles.atMost)
      reason = `the pyramid level at ${level.micrometres.toFixed(2)} micrometres has ${level.tiles} tiles, at most ${spec.tiles.atMost} are taken`;
    else levels.push({ parts, ...level });
  }

  const distance = (level: { micrometres: number }) => Math.abs(Math.log(level.micrometres / wanted.nearest));
  const best = levels.sort((a, b) => distance(a) - distance(b))[0];
  if (!best) return { unsuitable: reason };
  return {
    input: { seriesInstanceUid, instances: best.parts, frames: best.parts.flatMap(framesOf), bulkData: [] },
    // Between series (slides), the one with most tissue scanned.
    size: best.tiles,
  };
}

/** Pixel spacing of a slide level, micrometres: between rows, between columns. */
export function slidePixelSpacing(instance: DicomJson): [number, number] | undefined {
  const shared = items(instance, 'SharedFunctionalGroupsSequence')[0];
  const measures = shared && items(shared, 'PixelMeasuresSequence')[0];
  const [row, column] = measures ? numbers(measures, 'PixelSpacing') : [];
  if (row === undefined || column === undefined || !(row > 0) || !(column > 0)) return undefined;
  return [row * 1000, column * 1000];
}

function levelKey(instance: DicomJson): string {
  // Parts of a concatenation share its UID and the size of the matrix; some writers give one UID to a whole pyramid.
  const uid = text(instance, 'ConcatenationUID') ?? text(instance, 'SOPInstanceUID');
  return `${uid} ${text(instance, 'TotalPixelMatrixColumns')} ${text(instance, 'TotalPixelMatrixRows')}`;
}

function describeLevel(parts: DicomJson[]): { micrometres: number; tiles: number } | string {
  const first = parts[0]!;
  const spacing = slidePixelSpacing(first);
  if (!spacing) return 'PixelSpacing is absent from SharedFunctionalGroupsSequence';
  if (!number(first, 'TotalPixelMatrixColumns') || !number(first, 'TotalPixelMatrixRows'))
    return 'TotalPixelMatrixColumns or TotalPixelMatrixRows is absent';
  if (number(first, 'SamplesPerPixel') !== 3) return 'not a colour image';
  if ((number(first, 'TotalPixelMatrixFocalPlanes') ?? 1) > 1) return 'several focal planes in one image';
  if ((number(first, 'NumberOfOpticalPaths') ?? 1) > 1 || items(first, 'OpticalPathSequence').length > 1)
    return 'several optical paths in one image';
  const total = number(first, 'InConcatenationTotalNumber');
  if (total !== undefined && parts.length !== total)
    return `${parts.length} of ${total} parts of a concatenation are here`;

  parts.sort((a, b) => (number(a, 'InConcatenationNumber') ?? 1) - (number(b, 'InConcatenationNumber') ?? 1));
  const tiles = parts.reduce((sum, part) => sum + (number(part, 'NumberOfFrames') ?? 1), 0);
  return { micrometres: Math.sqrt(spacing[0] * spacing[1]), tiles };
}

function framesOf(instance: DicomJson): { sopInstanceUid: string; frameNumber: number }[] {
  const sopInstanceUid = text(instance, 'SOPInstanceUID')!;
  return Array.from({ length: number(instance, 'NumberOfFrames') ?? 1 }, (_, index) => ({
    sopInstanceUid,
    frameNumber: index + 1,
  }));
}
