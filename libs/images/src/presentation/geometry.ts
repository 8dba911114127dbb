import type { Viewport } from '../render-options.js';
import type { Point, Presentation, Units } from './presentation.js';

/** A part of an image, in its pixels; whole numbers, and it may reach over the edges. */
export interface Region {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Where a presentation state puts the pixels of an image in a picture. */
export interface Geometry {
  region: Region;
  rotation: Presentation['rotation'];
  isFlipped: boolean;
  /** Pixels of the picture. */
  width: number;
  height: number;
}

const sidePixelsMax = 16_384;

/** @param viewport what the picture is fitted into; one pixel a pixel without it */
export function geometryOf(
  presentation: Presentation,
  columns: number,
  rows: number,
  viewport: Viewport | undefined,
): Geometry {
  const region = regionOf(presentation, columns, rows);
  const { rotation, isFlipped, pixelAspectRatio } = presentation;
  const isSideways = rotation === 90 || rotation === 270;
  // Pixels that are higher than wide make a picture higher, not one less wide: nothing of it is lost.
  const shown = {
    width: region.width * Math.max(1, 1 / pixelAspectRatio),
    height: region.height * Math.max(1, pixelAspectRatio),
  };
  const [width, height] = isSideways ? [shown.height, shown.width] : [shown.width, shown.height];
  const scale = viewport
    ? Math.min(viewport.width / width, viewport.height / height)
    : Math.min(1, sidePixelsMax / Math.max(width, height));
  return {
    region,
    rotation,
    isFlipped,
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

/** The displayed area as far as it is near the image: states are met whose area is all but empty or all but endless. */
function regionOf({ displayedArea }: Presentation, columns: number, rows: number): Region {
  const whole = { left: 0, top: 0, width: columns, height: rows };
  if (displayedArea === undefined) return whole;
  const left = Math.max(Math.round(displayedArea.left), -columns);
  const top = Math.max(Math.round(displayedArea.top), -rows);
  const width = Math.min(Math.round(displayedArea.right), 2 * columns) - left;
  const height = Math.min(Math.round(displayedArea.bottom), 2 * rows) - top;
  const isSeen = left < columns && top < rows && left + width > 0 && top + height > 0 && width > 0 && height > 0;
  return isSeen ? { left, top, width, height } : whole;
}

/** Where a point of a graphic lies in the picture. */
export function toPicture(geometry: Geometry, units: Units, { x, y }: Point): Point {
  const { region, rotation, isFlipped, width, height } = geometry;
  if (units === 'display') return { x: x * width, y: y * height };
  const [u, v] = [(x - region.left) / region.width, (y - region.top) / region.height];
  const turned = { 0: [u, v], 90: [1 - v, u], 180: [1 - u, 1 - v], 270: [v, 1 - u] }[rotation] as [number, number];
  return { x: (isFlipped ? 1 - turned[0] : turned[0]) * width, y: turned[1] * height };
}
