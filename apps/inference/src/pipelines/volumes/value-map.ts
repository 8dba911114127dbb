/** What became of values, and was not yet done: (x * scale - minus) / over, `over` above 0. */
export interface ValueMap {
  scale: number;
  minus: number;
  over: number;
}

/** As float32 holds it. */
export function mapped(x: number, { scale, minus, over }: ValueMap): number {
  return Math.fround((x * scale - minus) / over);
}

/**
 * The greatest float32 that is not above `above` after mapping, so that values need not be mapped to be compared: a value is greater
 * than it exactly where the value after mapping is above `above`.
 *
 * @param map with `scale` above 0
 */
export function thresholdBefore(above: number, map: ValueMap): number {
  const isAbove = (x: number) => mapped(x, map) > above;
  let [low, high] = [toOrder(-Infinity), toOrder(Infinity)];
  if (isAbove(-Infinity)) return -Infinity;
  if (!isAbove(Infinity)) return Infinity;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isAbove(fromOrder(middle))) high = middle;
    else low = middle;
  }
  return fromOrder(low);
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** A whole number for each float32, greater for a greater one. */
function toOrder(x: number): number {
  float[0] = x;
  return bits[0]! < 0 ? -(bits[0]! & 0x7fffffff) : bits[0]!;
}

function fromOrder(order: number): number {
  bits[0] = order < 0 ? -order | 0x80000000 : order;
  return float[0]!;
}
