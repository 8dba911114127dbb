import { abs, exp, max, min, pow, sqrt } from '../math.js';
import { profile } from './profile.js';

/**
 * Where things are in the chest of the phantom. Millimetres in the patient's frame (LPS: x to the left, y to the back,
 * z to the head); z = 0 is about the level of the left atrium.
 */

/** An egg-shaped ring that changes along z: the outside of the body, or of the pleural space. */
interface Ring {
  halfWidth: number;
  halfDepth: number;
  centreY: number;
}

const bodyHalfWidth = profile([
  [-160, 160],
  [-60, 166],
  [20, 168],
  [80, 176],
  [120, 172],
  [140, 160],
]);
const bodyHalfDepth = profile([
  [-160, 118],
  [-60, 119],
  [20, 114],
  [80, 100],
  [120, 84],
  [140, 78],
]);
const bodyCentreY = profile([
  [-160, 0],
  [20, 2],
  [80, 10],
  [140, 20],
]);
const cavityHalfWidth = profile([
  [-160, 134],
  [-100, 140],
  [-40, 140],
  [20, 133],
  [60, 118],
  [90, 94],
  [110, 68],
  [124, 40],
  [130, 16],
]);
const cavityHalfDepth = profile([
  [-160, 96],
  [-60, 97],
  [20, 90],
  [60, 77],
  [90, 58],
  [110, 43],
  [124, 25],
  [130, 10],
]);
const cavityCentreY = profile([
  [-160, -4],
  [20, -1],
  [60, 7],
  [90, 17],
  [110, 24],
  [130, 28],
]);

export function bodyRing(z: number): Ring {
  return { halfWidth: bodyHalfWidth(z), halfDepth: bodyHalfDepth(z), centreY: bodyCentreY(z) };
}

export function cavityRing(z: number): Ring {
  return { halfWidth: cavityHalfWidth(z), halfDepth: cavityHalfDepth(z), centreY: cavityCentreY(z) };
}

/** Nearly the distance to the ring, negative inside. */
export function ringDistance(x: number, y: number, ring: Ring): number {
  const dy = y - ring.centreY;
  const v = abs(dy) / ring.halfDepth;
  // Wider towards the back, as a chest is.
  const u = abs(x) / (ring.halfWidth * (1 + (0.07 * dy) / ring.halfDepth));
  const sum = u * u * sqrt(u) + v * v * sqrt(v);
  if (sum < 1e-6) return -ring.halfDepth;
  const rho = pow(sum, 0.4);
  return ((rho - 1) / rho) * sqrt(x * x + dy * dy);
}

/** Height of the diaphragm: a right and a left dome, falling to the costophrenic angles, and a saddle for the heart. */
export function diaphragmHeight(x: number, y: number): number {
  const right = -72 - 70 * (square((x + 62) / 84) + square((y - 2) / 92));
  const left = -86 - 66 * (square((x - 68) / 80) + square((y - 4) / 90));
  const saddle = -92 - 60 * (square((x - 10) / 70) + square((y + 25) / 80));
  return max(right, left, saddle, -148); // the recesses end here
}

function square(value: number): number {
  return value * value;
}

/** A tapered tube or ball: two ends and the radius at each. `y2`... equal to the first end make a ball. */
export interface Tube {
  from: readonly [number, number, number];
  to: readonly [number, number, number];
  radiusFrom: number;
  radiusTo: number;
  /** Hounsfield units of what fills it. */
  hu: number;
}

const blood = 42;

function tubes(hu: number, ...points: [number, number, number, number][]): Tube[] {
  return points.slice(1).map((to, index) => {
    const from = points[index] ?? to;
    return {
      from: [from[0], from[1], from[2]],
      to: [to[0], to[1], to[2]],
      radiusFrom: from[3],
      radiusTo: to[3],
      hu,
    };
  });
}

/** What lies between the lungs, vessels without contrast; later ones are painted over earlier ones. */
export const mediastinum: readonly Tube[] = [
  // Heart: right atrium and ventricle to the front and right, left ventricle to the left, left atrium behind.
  ...tubes(44, [-26, -20, -30, 26], [-22, -18, -62, 27]),
  ...tubes(46, [0, -38, -40, 33], [28, -42, -72, 29]),
  ...tubes(48, [22, -20, -40, 36], [52, -34, -70, 26]),
  ...tubes(44, [-12, 12, -18, 21], [20, 12, -20, 21]),
  // Fat in the grooves of the heart, with the coronary arteries.
  ...tubes(-85, [-6, -64, -18, 5], [-24, -50, -44, 6], [-20, -44, -78, 6]),
  ...tubes(-85, [18, -70, -28, 4.5], [44, -66, -62, 5], [60, -58, -84, 5]),
  ...tubes(-85, [38, -2, -16, 4], [52, 6, -30, 5], [44, 8, -58, 5]),
  ...tubes(-85, [8, -12, -14, 3], [14, -8, -30, 3.5]),
  ...tubes(45, [-6, -64, -18, 1.7], [-24, -50, -44, 1.7], [-20, -44, -78, 1.5]),
  ...tubes(45, [18, -70, -28, 1.7], [44, -66, -62, 1.5], [60, -58, -84, 1.4]),
  ...tubes(45, [38, -2, -16, 1.6], [52, 6, -30, 1.5]),
  // Inferior vena cava, through the liver.
  ...tubes(blood, [-24, 6, -60, 13], [-20, 12, -110, 13], [-16, 18, -165, 12]),
  // Pulmonary trunk and arteries.
  ...tubes(blood, [14, -42, -12, 15], [20, -36, 12, 15], [24, -16, 28, 13], [38, 4, 30, 11], [50, 16, 20, 9]),
  ...tubes(blood, [22, -22, 20, 12], [0, -4, 18, 12], [-26, 2, 16, 11], [-44, 8, 10, 9]),
  // Pulmonary veins into the left atrium.
  ...tubes(blood, [-18, 12, -14, 9], [-46, 14, -22, 7]),
  ...tubes(blood, [26, 12, -14, 9], [50, 16, -20, 7]),
  // Superior vena cava and brachiocephalic veins.
  ...tubes(blood, [-30, -18, -12, 10], [-31, -16, 40, 10], [-28, -22, 72, 9], [-34, -18, 100, 8], [-38, -14, 140, 7]),
  ...tubes(blood, [-28, -24, 72, 7], [6, -34, 82, 7], [34, -24, 100, 7], [40, -14, 140, 6]),
  // Ascending aorta, arch, descending aorta.
  ...tubes(blood, [4, -24, -22, 17], [-10, -28, 10, 18], [-10, -24, 44, 17], [-2, -12, 62, 15]),
  ...tubes(blood, [-2, -12, 62, 15], [10, 6, 68, 14], [20, 26, 62, 13], [26, 42, 44, 13]),
  ...tubes(blood, [26, 42, 44, 13], [28, 50, 0, 12.5], [24, 50, -60, 12], [14, 46, -110, 12], [6, 42, -165, 11.5]),
  // Branches of the arch.
  ...tubes(blood, [-8, -14, 66, 7], [-16, -8, 90, 6.5], [-24, -2, 140, 5]),
  ...tubes(blood, [6, -4, 70, 5], [12, 0, 100, 4.5], [18, 4, 140, 4]),
  ...tubes(blood, [16, 12, 68, 6], [24, 18, 95, 5.5], [40, 16, 128, 5]),
  // Oesophagus and azygos vein.
  ...tubes(38, [4, 32, 140, 7.5], [6, 36, 60, 8], [6, 34, -10, 8], [14, 32, -80, 9], [24, 20, -110, 10]),
  ...tubes(blood, [-8, 44, -165, 4], [-9, 44, 30, 4.5], [-18, 34, 48, 5], [-28, 10, 50, 5]),
  // Lymph nodes and hilar tissue.
  ...tubes(30, [-46, 10, 4, 11], [-46, 12, -16, 10]),
  ...tubes(30, [50, 16, 8, 10], [50, 18, -14, 9]),
];

/** Not painted from here, but no lung may be there: the spine and what joins it to the mediastinum. */
const spineTubes: readonly Tube[] = [
  ...tubes(0, [0, 60, -170, 21], [0, 58, 20, 20], [0, 54, 150, 19]),
  ...tubes(0, [0, 82, -170, 23], [0, 80, 150, 22]),
];

export interface Airway extends Tube {
  /** Thickness of the wall, mm. */
  wall: number;
}

const airways = (wall: number, ...points: [number, number, number, number][]): Airway[] =>
  tubes(-995, ...points).map((tube) => ({ ...tube, wall }));

export const hilum = { right: [-46, 10, 8], left: [50, 15, 14] } as const;

/** Trachea and main bronchi, to the hila. */
export const mainAirways: readonly Airway[] = [
  ...airways(1.8, [0, 8, 145, 8.5], [-1, 14, 90, 8.8], [0, 20, 46, 9]),
  ...airways(1.6, [0, 20, 46, 8], [-24, 22, 24, 7], [-46, 18, 8, 6.2]),
  ...airways(1.6, [0, 20, 46, 7.5], [26, 24, 24, 6.2], [52, 24, 10, 5.6]),
];

/** Everything no lung may enter. */
export const mediastinalBounds: readonly Tube[] = [
  ...mediastinum,
  ...spineTubes,
  ...mainAirways.map((airway) => ({
    ...airway,
    radiusFrom: airway.radiusFrom + airway.wall,
    radiusTo: airway.radiusTo + airway.wall,
  })),
];

/** Half the width of the fatty plate between sternum and spine, in which the organs lie. */
export function plateHalfWidth(y: number, z: number): number {
  // The lungs nearly meet behind the breastbone.
  const front = 5 + 9 * exp(-square((y + 92) / 9)) + (z > 60 ? (z - 60) * 0.3 : 0);
  const back = 12 + (z > 70 ? (z - 70) * 0.3 : 0);
  return y < -40 ? front : y > 0 ? back : front + ((back - front) * (y + 40)) / 40;
}

/** Distance to a tapered tube, negative inside. */
export function tubeDistance(x: number, y: number, z: number, tube: Tube): number {
  const [fx, fy, fz] = tube.from;
  const ax = tube.to[0] - fx;
  const ay = tube.to[1] - fy;
  const az = tube.to[2] - fz;
  const length = ax * ax + ay * ay + az * az;
  let t = length === 0 ? 0 : ((x - fx) * ax + (y - fy) * ay + (z - fz) * az) / length;
  t = t < 0 ? 0 : t > 1 ? 1 : t;
  const dx = x - fx - t * ax;
  const dy = y - fy - t * ay;
  const dz = z - fz - t * az;
  return sqrt(dx * dx + dy * dy + dz * dz) - tube.radiusFrom - t * (tube.radiusTo - tube.radiusFrom);
}

/** Distance to the mediastinum with its covering of fat, negative inside; clefts between organs are filled. */
export function mediastinumDistance(x: number, y: number, z: number): number {
  let distance = abs(x - 4) - plateHalfWidth(y, z);
  for (const tube of mediastinalBounds) distance = smoothMinimum(distance, tubeDistance(x, y, z, tube));
  return distance - pleuraMargin;
}

export const pleuraMargin = 2.5;

/** Minimum of two distances with the cleft between them filled up to 9 mm wide. */
export function smoothMinimum(a: number, b: number): number {
  const h = 9 - abs(a - b);
  return (a < b ? a : b) - (h > 0 ? (h * h) / 36 : 0);
}

/** Depth inside a lung in mm, negative outside both. */
export function lungDepth(x: number, y: number, z: number): number {
  const wall = -ringDistance(x, y, cavityRing(z));
  if (wall < -1) return wall;
  return min(wall, mediastinumDistance(x, y, z), (z - diaphragmHeight(x, y)) * 0.8);
}
