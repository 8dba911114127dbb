import type { Picture } from './pixels.js';

/** Larger pictures are left to libvips, which shrinks them off the event loop. */
const pixelsMax = 2 ** 19;

/**
 * A picture shrunk by a whole factor, each pixel the mean of those it stands for: what a resampling filter gives, for a
 * third of the time.
 *
 * @returns undefined where the factor is not whole, or the picture is large
 */
export function shrinkWhole(picture: Picture, width: number, height: number): Picture | undefined {
  const { data, channels } = picture;
  const factor = picture.width / width;
  const isWhole = Number.isInteger(factor) && factor > 1 && height * factor === picture.height;
  if (!isWhole || picture.width * picture.height > pixelsMax) return undefined;
  const stride = picture.width * channels;
  const sums = new Uint32Array(width * channels);
  const shrunk = new Uint8Array(width * height * channels);
  const count = factor * factor;
  const half = count >> 1;
  for (let y = 0, to = 0; y < height; y++) {
    sums.fill(0);
    for (let row = 0; row < factor; row++) {
      let from = (y * factor + row) * stride;
      if (channels === 1) {
        for (let x = 0; x < width; x++) {
          let sum = sums[x] as number;
          for (const end = from + factor; from < end; from++) sum += data[from] as number;
          sums[x] = sum;
        }
        continue;
      }
      for (let x = 0; x < sums.length; x += channels) {
        for (let i = 0; i < factor; i++) {
          for (let channel = 0; channel < channels; channel++) {
            sums[x + channel] = (sums[x + channel] as number) + (data[from++] as number);
          }
        }
      }
    }
    for (let x = 0; x < sums.length; x++) shrunk[to++] = ((sums[x] as number) + half) / count;
  }
  return { data: shrunk, width, height, channels };
}
