import { hypot, max, min, pow, round } from '../math.js';
import type { Random } from '../random.js';
import type { Tube } from './thorax.js';

type Point = readonly [number, number, number];

export interface VesselOptions {
  root: Point;
  /** Where the smallest branches end, mm. They fill the lung, so the tree does. */
  targets: Point[];
  /** Radius of the smallest branches, mm. */
  tipRadius: number;
  hu: number;
}

/**
 * A tree of vessels from a root to every target: the targets are halved across their longest axis again and again, and
 * each branch runs part of the way to the middle of its own. Radii follow Murray's law (a branch's cube is the sum of
 * its daughters'), which gives the taper seen in lungs.
 */
export function growVessels({ root, targets, tipRadius, hu }: VesselOptions, random: Random): Tube[] {
  const tree: Tube[] = [];
  const radiusOf = (count: number): number => tipRadius * pow(count, 1 / 2.9);
  const pending: { from: Point; radius: number; targets: Point[] }[] = [
    { from: root, radius: radiusOf(targets.length), targets },
  ];
  for (let branch = pending.pop(); branch !== undefined; branch = pending.pop()) {
    const { from, radius } = branch;
    const middle = middleOf(branch.targets);
    const radiusTo = radiusOf(branch.targets.length);
    const reach = branch.targets.length === 1 ? 1 : random.between(0.36, 0.54);
    const sway = branch.targets.length === 1 ? 0 : 0.1 * distance(from, middle);
    const to: Point = [
      from[0] + reach * (middle[0] - from[0]) + sway * random.between(-1, 1),
      from[1] + reach * (middle[1] - from[1]) + sway * random.between(-1, 1),
      from[2] + reach * (middle[2] - from[2]) + sway * random.between(-1, 1),
    ];
    tree.push({ from, to, radiusFrom: min(radius, radiusTo * 1.25), radiusTo, hu });
    if (branch.targets.length === 1) continue;
    for (const half of halve(branch.targets, middle, random)) {
      pending.push({ from: to, radius: radiusTo, targets: half });
    }
  }
  return tree;
}

function halve(targets: Point[], middle: Point, random: Random): [Point[], Point[]] {
  const axis = longestAxis(targets, middle);
  const along = (point: Point): number =>
    (point[0] - middle[0]) * axis[0] + (point[1] - middle[1]) * axis[1] + (point[2] - middle[2]) * axis[2];
  const sorted = targets.map((point) => ({ point, key: along(point) })).sort((a, b) => a.key - b.key);
  const cut = min(sorted.length - 1, max(1, round(sorted.length * random.between(0.36, 0.64))));
  const points = sorted.map(({ point }) => point);
  return [points.slice(0, cut), points.slice(cut)];
}

/** First principal axis, by power iteration on the covariance. */
function longestAxis(targets: Point[], middle: Point): Point {
  let [xx, xy, xz, yy, yz, zz] = [0, 0, 0, 0, 0, 0];
  for (const target of targets) {
    const [x, y, z] = [target[0] - middle[0], target[1] - middle[1], target[2] - middle[2]];
    xx += x * x;
    xy += x * y;
    xz += x * z;
    yy += y * y;
    yz += y * z;
    zz += z * z;
  }
  let axis: Point = [0.48, 0.36, 0.8];
  for (let turn = 0; turn < 12; turn++) {
    const [x, y, z] = axis;
    const next: Point = [xx * x + xy * y + xz * z, xy * x + yy * y + yz * z, xz * x + yz * y + zz * z];
    const length = hypot(...next);
    if (length === 0) return axis;
    axis = [next[0] / length, next[1] / length, next[2] / length];
  }
  return axis;
}

function middleOf(points: Point[]): Point {
  let [x, y, z] = [0, 0, 0];
  for (const point of points) {
    x += point[0];
    y += point[1];
    z += point[2];
  }
  return [x / points.length, y / points.length, z / points.length];
}

function distance(a: Point, b: Point): number {
  return hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}
