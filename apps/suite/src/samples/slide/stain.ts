import { imul, pow } from '../math.js';
/**
 * Optical density of the stains in red, green and blue: haematoxylin as Ruifrok and Johnston measured it (Anal Quant Cytol
 * Histol 2001;23:291), eosin as Macenko et al. did (ISBI 2009:1107), which is nearer to what scanners show. Light is
 * absorbed by Beer's law, so densities add where stains lie on each other.
 */
const haematoxylin = [0.65, 0.704, 0.286] as const;
const eosin = [0.216, 0.801, 0.558] as const;

/** The lamp through bare glass. */
const white = [244, 243, 245] as const;

const steps = 1000;
const absorbed = Float32Array.from({ length: 4 * steps }, (_, density) => pow(10, -density / steps));

/**
 * Colours of a picture from the amounts of stain in it, with the camera's noise of about one grey level.
 *
 * @param h haematoxylin, hundredths of optical density; `e` eosin, the same
 * @returns three bytes a pixel
 */
export function transmit(h: Uint8Array, e: Uint8Array, seed: number): Uint8Array {
  const rgb = new Uint8Array(h.length * 3);
  let state = seed >>> 0;
  for (let at = 0; at < h.length; at++) {
    const blue = (h[at] ?? 0) * (steps / 100);
    const pink = (e[at] ?? 0) * (steps / 100);
    for (let channel = 0; channel < 3; channel++) {
      state = (imul(state, 1664525) + 1013904223) >>> 0;
      const noise = ((state >>> 24) + ((state >>> 16) & 255) - 255) / 110;
      const density = blue * (haematoxylin[channel] ?? 0) + pink * (eosin[channel] ?? 0);
      const value = (white[channel] ?? 0) * (absorbed[density | 0] ?? 0) + noise;
      rgb[at * 3 + channel] = value < 0 ? 0 : value > 255 ? 255 : value + 0.5;
    }
  }
  return rgb;
}
