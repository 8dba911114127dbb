import type { Picture } from '../pixels.js';
import { isSet, type Overlay } from './overlay.js';
import type { Point, Shutter } from './presentation.js';

/**
 * Hides what lies outside of every shutter (PS3.3 C.7.6.11), in place.
 *
 * @param planes The overlays of the presentation state, of which a bitmap shutter is one.
 */
export function closeShutters(
  picture: Picture,
  shutters: readonly Shutter[],
  grey: number,
  planes: readonly Overlay[],
): void {
  const { data, width, height, channels } = picture;
  for (const shutter of shutters) {
    const isOpen = openingOf(shutter, planes);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (isOpen(x, y)) continue;
        const at = (y * width + x) * channels;
        data.fill(grey, at, at + channels);
      }
    }
  }
}

/** By the column and row of a pixel, counting from 0. */
function openingOf(shutter: Shutter, planes: readonly Overlay[]): (x: number, y: number) => boolean {
  switch (shutter.shape) {
    case 'rectangle':
      return (x, y) => x >= shutter.left && x <= shutter.right && y >= shutter.top && y <= shutter.bottom;
    case 'circle':
      return (x, y) => (x - shutter.x) ** 2 + (y - shutter.y) ** 2 <= shutter.radius ** 2;
    case 'polygon':
      return (x, y) => isWithin(shutter.points, x, y);
    case 'bitmap': {
      const plane = planes.find(({ group }) => group === shutter.group);
      if (plane?.bits === undefined) return () => true;
      const { rows, columns, top, left } = plane;
      return (x, y) => {
        const [column, row] = [x - left, y - top];
        if (column < 0 || row < 0 || column >= columns || row >= rows) return true;
        return !isSet(plane, row * columns + column);
      };
    }
  }
}

/** By the number of edges to the right. */
function isWithin(points: readonly Point[], x: number, y: number): boolean {
  let isInside = false;
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    const [a, b] = [points[i] as Point, points[j] as Point];
    if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) isInside = !isInside;
  }
  return isInside;
}
