// Filters of IIR type by their transfer function b / a, as SciPy writes them; double precision, orders up to 16.

type Complex = readonly [re: number, im: number];
const multiply = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const add = ([a, b]: Complex, [c, d]: Complex): Complex => [a + c, b + d];
const subtract = ([a, b]: Complex, [c, d]: Complex): Complex => [a - c, b - d];
const times = ([a, b]: Complex, factor: number): Complex => [a * factor, b * factor];
function divide(a: Complex, [c, d]: Complex): Complex {
  const size = c * c + d * d;
  return multiply(a, [c / size, -d / size]);
}
function root([a, b]: Complex): Complex {
  const size = Math.hypot(a, b);
  const re = Math.sqrt((size + a) / 2);
  return [re, (b < 0 ? -1 : 1) * Math.sqrt((size - a) / 2)];
}

export interface TransferFunction {
  b: number[];
  a: number[];
}

/**
 * A digital Butterworth filter by bilinear transform with prewarped corners.
 *
 * @param corners Hz: one for low-pass and high-pass, two for band-pass; below half the sampling rate.
 * @throws RangeError
 */
export function butterworth(
  kind: 'low-pass' | 'high-pass' | 'band-pass',
  order: number,
  corners: readonly number[],
  hertz: number,
): TransferFunction {
  if (corners.length !== (kind === 'band-pass' ? 2 : 1) || corners.some((one) => !(one > 0 && one < hertz / 2)))
    throw new RangeError(`A ${kind} filter with corners at ${corners.join(' and ')} Hz cannot work on ${hertz} Hz.`);
  const warped = corners.map((corner) => 4 * Math.tan((Math.PI * corner) / hertz));
  const prototype = Array.from({ length: order }, (_, index): Complex => {
    const angle = (Math.PI * (2 * index - order + 1)) / (2 * order);
    return [-Math.cos(angle), -Math.sin(angle)];
  });

  let poles: Complex[];
  let zeros: Complex[] = [];
  let gain: number;
  const origin: Complex = [0, 0];
  if (kind === 'low-pass') {
    poles = prototype.map((pole) => times(pole, warped[0]!));
    gain = warped[0]! ** order;
  } else if (kind === 'high-pass') {
    poles = prototype.map((pole) => divide([warped[0]!, 0], pole));
    zeros = prototype.map(() => origin);
    gain = divide([1, 0], prototype.map((pole) => times(pole, -1)).reduce(multiply))[0];
  } else {
    const width = warped[1]! - warped[0]!;
    const centre = warped[0]! * warped[1]!;
    poles = prototype.flatMap((pole) => {
      const half = times(pole, width / 2);
      const spread = root(subtract(multiply(half, half), [centre, 0]));
      return [add(half, spread), subtract(half, spread)];
    });
    zeros = prototype.map(() => origin);
    gain = width ** order;
  }

  // Bilinear transform at a sampling rate of 2, hence 4 in the numbers above.
  const rate: Complex = [4, 0];
  const degree = poles.length - zeros.length;
  const ratio = divide(
    zeros.map((zero) => subtract(rate, zero)).reduce(multiply, [1, 0]),
    poles.map((pole) => subtract(rate, pole)).reduce(multiply, [1, 0]),
  );
  const map = (place: Complex) => divide(add(rate, place), subtract(rate, place));
  const digitalZeros = [...zeros.map(map), ...Array.from({ length: degree }, (): Complex => [-1, 0])];
  return {
    b: polynomial(digitalZeros).map((coefficient) => coefficient * gain * ratio[0]),
    a: polynomial(poles.map(map)),
  };
}

/** Coefficients of the polynomial with these roots, highest power first. */
function polynomial(roots: Complex[]): number[] {
  let coefficients: Complex[] = [[1, 0]];
  for (const zero of roots) {
    const next: Complex[] = [...coefficients, [0, 0]];
    coefficients.forEach((one, index) => (next[index + 1] = subtract(next[index + 1]!, multiply(one, zero))));
    coefficients = next;
  }
  return coefficients.map(([re]) => re);
}

/** Once forwards, direct form II transposed, from rest. */
export function filter({ b, a }: TransferFunction, signal: Float64Array, state?: Float64Array): Float64Array {
  const held = state ?? new Float64Array(b.length - 1);
  return signal.map((value) => {
    const out = b[0]! * value + held[0]!;
    for (let tap = 1; tap < b.length; tap++) held[tap - 1] = (held[tap] ?? 0) + b[tap]! * value - a[tap]! * out;
    return out;
  });
}

/**
 * Forwards and backwards: no phase shift, twice the order. The ends are extended by three times the filter's length, turned about
 * the end point, and the filter starts as if the first value had always been.
 *
 * @throws RangeError when the signal is shorter than that extension.
 */
export function filterBothWays(of: TransferFunction, signal: Float64Array): Float64Array {
  const edge = 3 * Math.max(of.a.length, of.b.length);
  if (signal.length <= edge)
    throw new RangeError(`A signal of ${signal.length} samples is too short; more than ${edge} are needed.`);
  const [first, last] = [signal[0]!, signal.at(-1)!];
  const extended = new Float64Array(signal.length + 2 * edge);
  for (let at = 0; at < edge; at++) {
    extended[at] = 2 * first - signal[edge - at]!;
    extended[edge + signal.length + at] = 2 * last - signal[signal.length - 2 - at]!;
  }
  extended.set(signal, edge);
  const steady = steadyState(of);
  const once = (input: Float64Array) =>
    filter(
      of,
      input,
      steady.map((value) => value * input[0]!),
    );
  return once(once(extended).reverse())
    .reverse()
    .slice(edge, edge + signal.length);
}

/** The state after a step of height 1 has gone through for ever. */
function steadyState({ b, a }: TransferFunction): Float64Array {
  const size = b.length - 1;
  // (I - companion(a)^T) z = b[1..] - a[1..] b[0], solved by elimination.
  const rows = Array.from({ length: size }, (_, row) => {
    const line = Array.from({ length: size + 1 }, (_, column) => {
      if (column === size) return b[row + 1]! - a[row + 1]! * b[0]!;
      return (row === column ? 1 : 0) + (column === 0 ? a[row + 1]! : 0) - (column === row + 1 ? 1 : 0);
    });
    return line;
  });
  for (let column = 0; column < size; column++) {
    let best = column;
    for (let row = column + 1; row < size; row++)
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[best]![column]!)) best = row;
    [rows[column], rows[best]] = [rows[best]!, rows[column]!];
    const pivot = rows[column]!;
    if (pivot[column] === 0) throw new RangeError('The filter has no steady state.');
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = rows[row]![column]! / pivot[column]!;
      for (let at = column; at <= size; at++) rows[row]![at]! -= factor * pivot[at]!;
    }
  }
  return Float64Array.from(rows, (line, row) => line[size]! / line[row]!);
}
