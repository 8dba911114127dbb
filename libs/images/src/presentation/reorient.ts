import type { Picture } from '../pixels.js';
import type { Geometry } from './geometry.js';

/** The part of a picture that is displayed, turned and flipped as it is to be; black where it reaches over the edge. */
export function reorient(picture: Picture, { region, rotation, isFlipped }: Geometry): Picture {
  const { channels } = picture;
  const isSideways = rotation === 90 || rotation === 270;
  const [width, height] = isSideways ? [region.height, region.width] : [region.width, region.height];
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [u, v] = sourceOf(isFlipped ? width - 1 - x : x, y, region.width, region.height, rotation);
      const [column, row] = [region.left + u, region.top + v];
      if (column < 0 || row < 0 || column >= picture.width || row >= picture.height) continue;
      const [from, to] = [(row * picture.width + column) * channels, (y * width + x) * channels];
      for (let channel = 0; channel < channels; channel++) data[to + channel] = picture.data[from + channel] as number;
    }
  }
  return { data, width, height, channels };
}

/** Which pixel of a region of that size is at x, y once it is turned. */
function sourceOf(
  x: number,
  y: number,
  width: number,
  height: number,
  rotation: Geometry['rotation'],
): [number, number] {
  switch (rotation) {
    case 0:
      return [x, y];
    case 90:
      return [y, height - 1 - x];
    case 180:
      return [width - 1 - x, height - 1 - y];
    case 270:
      return [width - 1 - y, x];
  }
}
