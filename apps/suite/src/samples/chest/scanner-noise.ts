import { max, min, sqrt } from '../math.js';
import { seededRandom } from '../random.js';

/**
 * Noise as a scanner's reconstruction leaves it: neighbouring pixels are alike (the kernel's blur) and there is little
 * of the slow kind (the ramp filter). Standard deviation 1.
 */
export function scannerNoise(size: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const white = new Float32Array(size * size);
  for (let at = 0; at < white.length; at++) {
    // Sum of the four bytes of one draw: near enough to a normal distribution, and quick.
    const bits = (random.next() * 4294967296) >>> 0;
    white[at] = ((bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24) - 510) / 148;
  }
  const fine = blurred(white, size, [0.23, 0.54, 0.23]);
  const coarse = blurred(fine, size, [0.06, 0.1, 0.14, 0.17, 0.06, 0.17, 0.14, 0.1, 0.06]);
  let squares = 0;
  for (let at = 0; at < fine.length; at++) {
    const value = (fine[at] ?? 0) - 0.85 * (coarse[at] ?? 0);
    fine[at] = value;
    squares += value * value;
  }
  const scale = 1 / sqrt(squares / fine.length);
  for (let at = 0; at < fine.length; at++) fine[at] = (fine[at] ?? 0) * scale;
  return fine;
}

/** Separable convolution with a small symmetric kernel; edges repeat. Rows are added whole: memory is read in order. */
export function blurred(source: Float32Array, size: number, kernel: readonly number[]): Float32Array {
  const half = (kernel.length - 1) / 2;
  const across = new Float32Array(source.length);
  const result = new Float32Array(source.length);
  const padded = new Float32Array(size + 2 * half);
  for (let start = 0; start < source.length; start += size) {
    padded.fill(source[start] ?? 0, 0, half);
    padded.set(source.subarray(start, start + size), half);
    padded.fill(source[start + size - 1] ?? 0, half + size);
    addWeighted(across, start, padded, half, size, kernel[half] ?? 0);
    for (let tap = 1; tap <= half; tap++) {
      addWeighted(across, start, padded, half - tap, size, kernel[half - tap] ?? 0);
      addWeighted(across, start, padded, half + tap, size, kernel[half + tap] ?? 0);
    }
  }
  for (let row = 0; row < size; row++) {
    for (let tap = -half; tap <= half; tap++) {
      const from = min(size - 1, max(0, row + tap));
      addWeighted(result, row * size, across, from * size, size, kernel[half + tap] ?? 0);
    }
  }
  return result;
}

function addWeighted(
  target: Float32Array,
  targetStart: number,
  source: Float32Array,
  sourceStart: number,
  length: number,
  weight: number,
): void {
  for (let at = 0; at < length; at++) {
    target[targetStart + at] = (target[targetStart + at] ?? 0) + weight * (source[sourceStart + at] ?? 0);
  }
}
