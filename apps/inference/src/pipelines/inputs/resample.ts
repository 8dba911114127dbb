/** Zero crossings of the sinc on each side: its stop band begins within a tenth of the cut-off. */
const crossings = 16;

/**
 * A signal at another rate, by windowed-sinc interpolation, band-limited to the lower of both Nyquist frequencies. Sample 0
 * stays where it was; beyond the ends the signal holds its first and last value.
 */
export function resample(signal: Float64Array, fromHertz: number, toHertz: number): Float64Array {
  if (fromHertz === toHertz) return signal;
  const length = Math.floor(((signal.length - 1) * toHertz) / fromHertz) + 1;
  const cutoff = Math.min(1, toHertz / fromHertz);
  const reach = crossings / cutoff;
  return Float64Array.from({ length }, (_, index) => {
    const at = (index * fromHertz) / toHertz;
    let sum = 0;
    let weights = 0;
    for (let source = Math.ceil(at - reach); source <= at + reach; source++) {
      const distance = source - at;
      const weight = sinc(distance * cutoff) * (0.5 + 0.5 * Math.cos((Math.PI * distance) / reach));
      sum += weight * signal[Math.min(signal.length - 1, Math.max(0, source))]!;
      weights += weight;
    }
    return sum / weights;
  });
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
