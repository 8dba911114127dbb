import type { Picture } from './pixels.js';

/** Larger pictures are left to libvips, which shrinks them off the event loop. */
const pixelsMax = 2 ** 19;
/** Of grey ones by the commonest factors, which take a fifth of the time. */
const greyPixelsMax = 2 ** 20;

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
  if (!isWhole) return undefined;
  const isInWords =
    channels === 1 && (factor === 2 || factor === 4) && picture.width % 4 === 0 && data.byteOffset % 4 === 0;
  if (picture.width * picture.height > (isInWords ? greyPixelsMax : pixelsMax)) return undefined;
  if (isInWords) {
    const shrunk = factor === 2 ? halved(data, picture.width) : quartered(data, picture.width);
    return { data: shrunk, width, height, channels };
  }
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

/** Bytes 0 and 2 of a word, or 1 and 3 after a shift: room for the sum of 257 of them each. */
const everyOther = 0x00ff00ff;

/** Four pixels of two rows at a time become two. */
function halved(data: Uint8Array<ArrayBuffer>, width: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length >> 2);
  const stride = width >> 2;
  const shrunk = new Uint8Array(words.length);
  const pairs = new Uint16Array(shrunk.buffer);
  for (let row = 0, to = 0; row + stride < words.length; row += 2 * stride) {
    for (let at = row; at < row + stride; at++) {
      const above = words[at] as number;
      const below = words[at + stride] as number;
      const sums =
        (above & everyOther) +
        ((above >>> 8) & everyOther) +
        (below & everyOther) +
        ((below >>> 8) & everyOther) +
        0x00020002;
      pairs[to++] = ((sums >>> 2) & 0xff) | ((sums >>> 10) & 0xff00);
    }
  }
  return shrunk;
}

/** Four pixels of four rows become one. */
function quartered(data: Uint8Array<ArrayBuffer>, width: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(data.buffer, data.byteOffset, data.length >> 2);
  const stride = width >> 2;
  const shrunk = new Uint8Array(words.length >> 2);
  for (let row = 0, to = 0; row + 3 * stride < words.length; row += 4 * stride) {
    for (let at = row; at < row + stride; at++) {
      let sums = 0;
      for (let from = at; from <= at + 3 * stride; from += stride) {
        const four = words[from] as number;
        sums += (four & everyOther) + ((four >>> 8) & everyOther);
      }
      shrunk[to++] = ((sums & 0xffff) + (sums >>> 16) + 8) >> 4;
    }
  }
  return shrunk;
}
