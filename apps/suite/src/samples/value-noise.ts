import { floor, imul } from './math.js';
/**
 * Smooth noise in space: random values on a lattice of unit spacing, blended between its points. Scale the coordinates
 * to choose the size of its features.
 *
 * @returns a value in [-1, 1]; the same for the same place and seed.
 */
export function valueNoise(x: number, y: number, z: number, seed: number): number {
  const x0 = floor(x);
  const y0 = floor(y);
  const z0 = floor(z);
  const u = fade(x - x0);
  const v = fade(y - y0);
  const near = mix(
    mix(lattice(x0, y0, z0, seed), lattice(x0 + 1, y0, z0, seed), u),
    mix(lattice(x0, y0 + 1, z0, seed), lattice(x0 + 1, y0 + 1, z0, seed), u),
    v,
  );
  if (z === z0) return near;
  const far = mix(
    mix(lattice(x0, y0, z0 + 1, seed), lattice(x0 + 1, y0, z0 + 1, seed), u),
    mix(lattice(x0, y0 + 1, z0 + 1, seed), lattice(x0 + 1, y0 + 1, z0 + 1, seed), u),
    v,
  );
  return mix(near, far, fade(z - z0));
}

function lattice(x: number, y: number, z: number, seed: number): number {
  let hash = imul(x, 0x27d4eb2d) ^ imul(y, 0x165667b1) ^ imul(z, 0x9e3779b1) ^ seed;
  hash = imul(hash ^ (hash >>> 15), 0x85ebca6b);
  hash = imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2147483648 - 1;
}

function fade(t: number): number {
  return t * t * (3 - 2 * t);
}

function mix(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}
