import type { FrameDescription } from './frame-description.js';

type Palette = NonNullable<FrameDescription['palette']>;

/** R, G and B of each brightness, 0 to 255: from the lowest to the highest, over all of a palette (PS3.4 N.2.3). */
export function colorsOfBrightness({ red, green, blue }: Palette): Uint8Array {
  const colors = new Uint8Array(256 * 3);
  [red, green, blue].forEach(({ values, bits }, channel) => {
    const shift = Math.max(0, bits - 8);
    for (let level = 0; level < 256; level++) {
      // All three have the length of the red one (PS3.3 C.7.6.3.1.5); of one that has not, the last.
      const at = Math.min(Math.round((level / 255) * (red.values.length - 1)), values.length - 1);
      colors[3 * level + channel] = (values[at] as number) >> shift;
    }
  });
  return colors;
}

/** Grey in the colours of a palette. */
export function inPseudoColor(grey: Uint8Array, palette: Palette): Uint8Array<ArrayBuffer> {
  const colors = colorsOfBrightness(palette);
  const rgb = new Uint8Array(grey.length * 3);
  for (let i = 0, to = 0; i < grey.length; i++) {
    const from = 3 * (grey[i] as number);
    rgb[to++] = colors[from] as number;
    rgb[to++] = colors[from + 1] as number;
    rgb[to++] = colors[from + 2] as number;
  }
  return rgb;
}
