import { decodeFrame } from '../decode-frame.js';
import type { FrameDescription } from '../frame-description.js';
import { toGrey } from '../grey.js';
import { ImageError } from '../image-error.js';
import type { Picture, Pixels } from '../pixels.js';
import { colorsOfBrightness } from '../pseudo-color.js';
import type { Placement } from './plane.js';

/** What is laid over a grey picture, in colours (PS3.3 C.11.14). */
export interface Blend {
  layers: BlendLayer[];
  /** Of the layers, 0 to 1. */
  opacity: number;
  palette: NonNullable<FrameDescription['palette']>;
}

/** A grey frame that lies in the picture's plane, or its share of what is between two frames. */
export interface BlendLayer {
  bytes: Uint8Array;
  description: FrameDescription;
  placement: Placement;
  share: number;
}

/**
 * A grey picture with others over it in the colours of a palette, as far as they reach and have values: elsewhere it is
 * as it was (PS3.4 N.2.4). Between their pixels they are interpolated, as brightness.
 *
 * @throws ImageError unsupported-pixels for colours; and as decodeFrame
 */
export async function blendOver(under: Picture, { layers, opacity, palette }: Blend): Promise<Picture> {
  const { data, width, height } = under;
  if (under.channels !== 1)
    throw new ImageError('unsupported-pixels', 'Only grey images are blended; this has colours.');
  const brightness = new Float32Array(width * height);
  const shares = new Float32Array(width * height);
  for (const layer of layers) {
    const pixels = await decodeFrame(layer.bytes, layer.description);
    if (!/^MONOCHROME[12]$/.test(pixels.photometricInterpretation)) {
      throw new ImageError('unsupported-pixels', 'Only grey images are blended; one to be superimposed has colours.');
    }
    addLayer({ brightness, shares, width, height }, layer, pixels);
  }
  const colors = colorsOfBrightness(palette);
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0, to = 0; i < data.length; i++) {
    const grey = data[i] as number;
    const share = shares[i] as number;
    const color = share === 0 ? -1 : 3 * Math.round((brightness[i] as number) / share);
    for (let channel = 0; channel < 3; channel++) {
      const over = color < 0 ? grey : (colors[color + channel] as number);
      rgb[to++] = Math.round(grey + opacity * (over - grey));
    }
  }
  return { width, height, channels: 3, data: rgb };
}

interface Sums {
  /** Times shares. */
  brightness: Float32Array;
  shares: Float32Array;
  width: number;
  height: number;
}

function addLayer(sums: Sums, { description, placement, share }: BlendLayer, pixels: Pixels): void {
  const { brightness, shares, width, height } = sums;
  const { columns, rows, data } = pixels;
  const grey = toGrey(pixels, description);
  const { padding } = description;
  const isPadding = (at: number): boolean =>
    padding !== undefined && (data[at] as number) >= padding.first && (data[at] as number) <= padding.last;
  const [ua, ub, uc] = placement.u;
  const [va, vb, vc] = placement.v;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const u = x * ua + y * ub + uc;
      const v = x * va + y * vb + vc;
      // A pixel reaches half its size around its middle.
      if (u < -0.5 || v < -0.5 || u > columns - 0.5 || v > rows - 0.5) continue;
      const [left, top] = [clamp(Math.floor(u), columns), clamp(Math.floor(v), rows)];
      const [right, bottom] = [clamp(left + 1, columns), clamp(top + 1, rows)];
      if (isPadding(clamp(Math.round(v), rows) * columns + clamp(Math.round(u), columns))) continue;
      const [a, b] = [Math.min(Math.max(u - left, 0), 1), Math.min(Math.max(v - top, 0), 1)];
      const upper = mix(grey[top * columns + left] as number, grey[top * columns + right] as number, a);
      const lower = mix(grey[bottom * columns + left] as number, grey[bottom * columns + right] as number, a);
      brightness[at] = (brightness[at] as number) + share * mix(upper, lower, b);
      shares[at] = (shares[at] as number) + share;
    }
  }
}

const clamp = (index: number, count: number): number => Math.min(Math.max(index, 0), count - 1);
const mix = (a: number, b: number, part: number): number => a + part * (b - a);
