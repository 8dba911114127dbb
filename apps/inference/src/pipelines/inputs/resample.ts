/** Zero crossings of the sinc on each side: its stop band begins within a tenth of the cut-off. */
const crossings = 16;

/**
 * A signal at another rate, by windowed-sinc interpolation, band-limited to the lower of both Nyquist frequencies. Sample 0
 * stays where it was; beyond the ends the signal holds its first and last value.
 */
export function resample(signal: Float64Array, fromHertz: number, toHertz: number): Float64Array {
  if (fromHertz === toHertz) return signal;
  const length = Math.floor(((signal.length - 1) * toHertz) / fromHertz) + 1;
  const reach = Math.ceil(crossings * Math.max(1, fromHertz / toHertz));
  /** Few places between two samples come up, each again and again. */
  const kernels = new Map<number, Float64Array>();
  return Float64Array.from({ length }, (_, index) => {
    const at = (index * fromHertz) / toHertz;
    const before = Math.floor(at);
    const offset = Math.round((at - before) * 1e6) / 1e6;
    const kernel = kernels.get(offset) ?? interpolationKernel(offset, reach, fromHertz, toHertz);
    kernels.set(offset, kernel);
    let sum = 0;
    for (let tap = 0; tap < kernel.length; tap++) {
      const source = Math.min(signal.length - 1, Math.max(0, before + tap - reach));
      sum += kernel[tap]! * signal[source]!;
    }
    return sum;
  });
}

/** Weights of the samples from `reach` before to `reach` after, for a place `offset` of a sample after the middle one; they add up to 1. */
function interpolationKernel(offset: number, reach: number, fromHertz: number, toHertz: number): Float64Array {
  const cutoff = Math.min(1, toHertz / fromHertz);
  const kernel = Float64Array.from({ length: 2 * reach + 1 }, (_, tap) => {
    const distance = tap - reach - offset;
    if (Math.abs(distance) > reach) return 0;
    return sinc(distance * cutoff) * (0.5 + 0.5 * Math.cos((Math.PI * distance) / reach));
  });
  const total = kernel.reduce((sum, weight) => sum + weight, 0);
  return kernel.map((weight) => weight / total);
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
