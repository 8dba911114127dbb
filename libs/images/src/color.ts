/**
 * YBR_FULL to RGB in place (PS3.3 C.7.6.3.1.2), 8 bits a sample, samples of a pixel side by side.
 */
export function ybrFullToRgb(samples: Uint8Array | Uint8ClampedArray): void {
  // Clamping and rounding are what this array type does on assignment.
  const rgb = new Uint8ClampedArray(samples.buffer, samples.byteOffset, samples.length);
  for (let i = 0; i + 2 < rgb.length; i += 3) {
    const y = rgb[i] as number;
    const cb = (rgb[i + 1] as number) - 128;
    const cr = (rgb[i + 2] as number) - 128;
    rgb[i] = y + 1.402 * cr;
    rgb[i + 1] = y - 0.344136 * cb - 0.714136 * cr;
    rgb[i + 2] = y + 1.772 * cb;
  }
}

/** {@link ybrFullToRgb} of samples with more bits. */
export function wideYbrFullToRgb(samples: Uint16Array, bits: number): void {
  const [half, highest] = [2 ** (bits - 1), 2 ** bits - 1];
  const fit = (value: number): number => Math.min(Math.max(Math.round(value), 0), highest);
  for (let i = 0; i + 2 < samples.length; i += 3) {
    const y = samples[i] as number;
    const cb = (samples[i + 1] as number) - half;
    const cr = (samples[i + 2] as number) - half;
    samples[i] = fit(y + 1.402 * cr);
    samples[i + 1] = fit(y - 0.344136 * cb - 0.714136 * cr);
    samples[i + 2] = fit(y + 1.772 * cb);
  }
}

/** YBR_PARTIAL_422 (retired): Y from 16 to 235, Cb and Cr from 16 to 240. In place, as {@link ybrFullToRgb}. */
export function ybrPartialToRgb(samples: Uint8Array): void {
  const rgb = new Uint8ClampedArray(samples.buffer, samples.byteOffset, samples.length);
  for (let i = 0; i + 2 < rgb.length; i += 3) {
    const y = 1.164383 * ((rgb[i] as number) - 16);
    const cb = (rgb[i + 1] as number) - 128;
    const cr = (rgb[i + 2] as number) - 128;
    rgb[i] = y + 1.596027 * cr;
    rgb[i + 1] = y - 0.391762 * cb - 0.812968 * cr;
    rgb[i + 2] = y + 2.017232 * cb;
  }
}

/** Y1 Y2 Cb Cr for two pixels (YBR_FULL_422, PS3.3 C.7.6.3.1.2) to Y Cb Cr for each. */
export function unpack422(packed: Uint8Array, pixels: number): Uint8Array {
  const full = new Uint8Array(pixels * 3);
  for (let pixel = 0, from = 0; pixel < pixels; pixel += 2, from += 4) {
    for (let i = 0; i < 2 && pixel + i < pixels; i++) {
      const to = (pixel + i) * 3;
      full[to] = packed[from + i] as number;
      full[to + 1] = packed[from + 2] as number;
      full[to + 2] = packed[from + 3] as number;
    }
  }
  return full;
}
