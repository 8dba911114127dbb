/**
 * A smooth curve through the points given, for measures that change from neck to belly.
 *
 * @param points pairs of [position, value], positions rising; beyond its ends the curve stays level
 */
export function profile(points: readonly (readonly [number, number])[]): (at: number) => number {
  const at = (index: number): readonly [number, number] =>
    points[Math.min(points.length - 1, Math.max(0, index))] ?? [0, 0];
  return (position) => {
    const next = points.findIndex(([where]) => where > position);
    if (next === 0) return at(0)[1];
    if (next < 0) return at(points.length - 1)[1];
    const [[x0, y0], [x1, y1]] = [at(next - 1), at(next)];
    const slope = (left: readonly [number, number], right: readonly [number, number]): number =>
      right[0] === left[0] ? 0 : (right[1] - left[1]) / (right[0] - left[0]);
    const width = x1 - x0;
    const t = (position - x0) / width;
    const m0 = slope(at(next - 2), at(next)) * width;
    const m1 = slope(at(next - 1), at(next + 1)) * width;
    const [t2, t3] = [t * t, t * t * t];
    return (2 * t3 - 3 * t2 + 1) * y0 + (t3 - 2 * t2 + t) * m0 + (3 * t2 - 2 * t3) * y1 + (t3 - t2) * m1;
  };
}
