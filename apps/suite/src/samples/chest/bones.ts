import { abs, cos, hypot, max, min } from '../math.js';
import { valueNoise } from '../value-noise.js';

const vertebraHeight = 24;
const cortex = 520;

/**
 * Hounsfield units of the spine at a place, or undefined where there is none: bodies with thin cortex and softer
 * spongiosa, discs, canal with cord, pedicles, transverse and spinous processes.
 */
export function spineHu(x: number, y: number, z: number): number | undefined {
  if (x < -46 || x > 46 || y < 38 || y > 122) return undefined;
  const within = modulo(z, vertebraHeight);

  // The canal, as a column.
  const canal = hypot(x / 9.5, (y - 82) / 8.5);
  if (canal < 1) {
    const cord = hypot(x / 5.2, (y - 82) / 4.2);
    return cord < 1 ? 36 : 12;
  }

  // Body: an ellipse, a little hollow at the back.
  const body = hypot(x / 17.5, (y - 58) / (y > 58 ? 15.5 : 17));
  if (body < 1) {
    const disc = within > vertebraHeight - 5;
    const endplate = within > vertebraHeight - 6.5 || within < 1.5;
    if (disc) return body < 0.7 ? 70 : 95;
    if (endplate || body > 0.93) return cortex;
    return 175 + 55 * valueNoise(x / 2.6, y / 2.6, z / 4, 11);
  }

  // The ring around the canal.
  const ring = hypot(x / 14.5, (y - 83) / 14);
  if (ring < 1 && within < 17) return ring > 0.9 || canal < 1.13 ? cortex : 260;

  const side = abs(x);
  // Transverse process, to the tubercle of the rib.
  if (within > 8 && within < 16) {
    const along = (side - 10) / 26;
    const off = abs(y - (84 + along * 12));
    if (along > 0 && along < 1 && off < 5.5) return off > 4 || along > 0.93 ? cortex - 60 : 220;
  }
  // Spinous process, sloping to the feet.
  if (side < 4 && y > 95 && y < 119 && modulo(z + (y - 95) * 0.7, vertebraHeight) < 13) {
    return side > 2.6 || y > 117 ? cortex : 240;
  }
  return undefined;
}

/** Ribs, from the vertebra round and down to the breastbone. Rib n leaves the spine at the height of vertebra n. */
const ribs = Array.from({ length: 12 }, (_, index) => ({
  height: 120 - vertebraHeight * index,
  fall: min(112, 46 + 15 * index),
  /** Angle from the spine at which bone turns to cartilage, and at which that ends. */
  boneEnd: index === 11 ? 1.2 : index === 10 ? 1.7 : 2.42 - 0.018 * index,
  end: index === 11 ? 1.2 : index === 10 ? 1.7 : index > 6 ? 2.6 : 3.0,
}));

/**
 * Hounsfield units of a rib or its cartilage, or undefined.
 *
 * @param outside mm from the pleura outwards
 * @param angle around the chest from the spine (0) to the breastbone (pi)
 */
export function ribHu(outside: number, angle: number, z: number): number | undefined {
  if (outside < 1 || outside > 9.5 || angle < 0.24) return undefined;
  const fallen = (1 - cos(angle)) / 2;
  const depth = (outside - 5.2) / 3.9;
  for (const rib of ribs) {
    if (angle > rib.end) continue;
    // Cartilage climbs back towards the breastbone.
    const climb = angle > 2.3 ? (angle - 2.3) * 34 : 0;
    const height = (z - (rib.height - rib.fall * fallen + climb)) / 6.6;
    const off = depth * depth + height * height;
    if (off > 1) continue;
    if (angle > rib.boneEnd) return off > 0.8 ? 150 : 95;
    return off > 0.55 ? 560 : 190;
  }
  return undefined;
}

/** The breastbone: wide handle above, narrow body below. */
export function sternumHu(x: number, outside: number, angle: number, z: number): number | undefined {
  if (angle < 2 || z > 84 || z < -62) return undefined;
  const halfWidth = z > 42 ? 20 + (z - 42) * 0.3 : 13 + max(0, -z) * 0.08;
  const side = abs(x) / halfWidth;
  const depth = abs(outside - 9) / 6;
  if (side > 1 || depth > 1) return undefined;
  return side > 0.9 || depth > 0.72 ? 420 : 120 + 35 * valueNoise(x / 3, outside / 3, z / 5, 12);
}

interface Strut {
  from: readonly [number, number, number];
  to: readonly [number, number, number];
  radius: number;
}

/** Collar bones, shoulder blades and heads of the arms, with the arms raised; mirrored. */
const shoulderBones: readonly Strut[] = [
  { from: [26, -52, 92], to: [58, -52, 106], radius: 7 },
  { from: [58, -52, 106], to: [106, -24, 134], radius: 6 },
  { from: [106, 62, 20], to: [132, 44, 66], radius: 4 },
  { from: [84, 84, 40], to: [106, 62, 20], radius: 2.6 },
  { from: [76, 90, 70], to: [132, 44, 66], radius: 2.6 },
  { from: [74, 88, 96], to: [136, 34, 96], radius: 3.2 },
  { from: [84, 84, 40], to: [120, 56, 44], radius: 2.4 },
  { from: [76, 90, 70], to: [74, 88, 100], radius: 3 },
  { from: [74, 88, 58], to: [126, 50, 56], radius: 2.4 },
  { from: [74, 90, 82], to: [134, 40, 82], radius: 2.5 },
  { from: [132, 44, 66], to: [140, 22, 104], radius: 8 },
  { from: [146, 14, 118], to: [152, 8, 150], radius: 20 },
];

/** Bones of the shoulder whose height range includes z: most slices have none to look through. */
export function shoulderBonesAt(z: number): readonly Strut[] {
  return shoulderBones.filter(
    ({ from, to, radius }) => z > min(from[2], to[2]) - radius && z < max(from[2], to[2]) + radius,
  );
}

export function shoulderHu(x: number, y: number, z: number, bones: readonly Strut[]): number | undefined {
  const side = abs(x);
  for (const { from, to, radius } of bones) {
    const [ax, ay, az] = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
    const t = min(
      1,
      max(0, ((side - from[0]) * ax + (y - from[1]) * ay + (z - from[2]) * az) / (ax * ax + ay * ay + az * az)),
    );
    const off = hypot(side - from[0] - t * ax, y - from[1] - t * ay, z - from[2] - t * az) - radius;
    if (off < 0) return off > -1.6 ? cortex : 210;
  }
  return undefined;
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
