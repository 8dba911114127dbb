import { abs, acos, exp, hypot, max, min } from '../math.js';
import { valueNoise } from '../value-noise.js';
import { ribHu, shoulderBonesAt, shoulderHu, spineHu, sternumHu } from './bones.js';
import type { Lungs } from './lungs.js';
import { blurred, scannerNoise } from './scanner-noise.js';
import { coverage, forPixelsNear, type SliceGrid } from './slice-grid.js';
import {
  bodyRing,
  cavityRing,
  diaphragmHeight,
  mainAirways,
  mediastinalBounds,
  mediastinum,
  plateHalfWidth,
  pleuraMargin,
  ringDistance,
  smoothMinimum,
  tubeDistance,
  type Tube,
} from './thorax.js';

const air = -1000;
const fat = -102;
const muscle = 54;

/**
 * Hounsfield units of one axial slice of the phantom, row by row, noise included.
 *
 * @param z height of the slice's middle, mm; `thickness` is averaged over for vessels, airways and emphysema
 */
export function paintSlice(z: number, thickness: number, lungs: Lungs, grid: SliceGrid, seed: number): Float32Array {
  const { size, spacing, originX, originY } = grid;
  const hu = new Float32Array(size * size).fill(air);
  const { inside, organs } = paintMediastinum(z, grid);
  const vessels = averageOver(z, thickness, grid, lungs.vessels);
  const airways = [...lungs.airways, ...mainAirways];
  const airwayWalls = averageOver(
    z,
    thickness,
    grid,
    airways.map((airway) => widened(airway, airway.wall)),
  );
  const airwayLumens = averageOver(z, thickness, grid, airways);
  const emphysema = averageOver(z, thickness, grid, lungs.emphysema, 1.5);
  const body = bodyRing(z);
  const cavity = cavityRing(z);
  const shoulders = shoulderBonesAt(z);

  for (let row = 0; row < size; row++) {
    const y = originY + row * spacing;
    for (let column = 0; column < size; column++) {
      const x = originX + column * spacing;
      const at = row * size + column;
      const skin = ringDistance(x, y, body);
      if (skin > 0) {
        hu[at] = tableHu(x, y);
        continue;
      }
      const outside = ringDistance(x, y, cavity);
      const bone = spineHu(x, y, z) ?? shoulderHu(x, y, z, shoulders);
      if (bone !== undefined) {
        hu[at] = bone;
        continue;
      }
      if (outside > 0) {
        hu[at] = wallHu(x, y, z, skin, outside, cavity.centreY);
        continue;
      }
      const share =
        coverage(-(inside[at] ?? 0), spacing) *
        coverage(outside, spacing) *
        coverage((diaphragmHeight(x, y) - z) * 0.9, thickness);
      let value = 0;
      if (share < 1) {
        const organ = organs[at] ?? fat;
        value = z < diaphragmHeight(x, y) ? bellyHu(x, y, z, organ) : organ + (organ < -60 ? septa(x, y, z) : 0);
      }
      if (share > 0) {
        let lung = lungHu(x, y, z, outside);
        lung += (emphysema[at] ?? 0) * (-987 - lung);
        lung += (vessels[at] ?? 0) * (38 - lung);
        value += share * (lung - value);
      }
      value += (airwayWalls[at] ?? 0) * (20 - value);
      value += (airwayLumens[at] ?? 0) * (-992 - value);
      hu[at] = value;
    }
  }
  return scanned(hu, z, grid, seed);
}

/** Signed distance into the lungs' side of the mediastinum, and what fills it. */
function paintMediastinum(z: number, grid: SliceGrid): { inside: Float32Array; organs: Float32Array } {
  const { size, spacing, originX, originY } = grid;
  const inside = new Float32Array(size * size);
  const organs = new Float32Array(size * size);
  for (let row = 0; row < size; row++) {
    const y = originY + row * spacing;
    const plate = plateHalfWidth(y, z);
    for (let column = 0; column < size; column++) {
      const x = originX + column * spacing;
      inside[row * size + column] = abs(x - 4) - plate;
      organs[row * size + column] = fat;
    }
  }
  for (const tube of mediastinalBounds) {
    forPixelsNear(tube, z, 14, grid, (at, x, y) => {
      inside[at] = smoothMinimum(inside[at] ?? 0, tubeDistance(x, y, z, tube));
    });
  }
  for (let at = 0; at < inside.length; at++) inside[at] = (inside[at] ?? 0) - pleuraMargin;
  for (const tube of mediastinum) {
    forPixelsNear(tube, z, 1, grid, (at, x, y) => {
      const share = coverage(tubeDistance(x, y, z, tube), spacing);
      const below = organs[at] ?? fat;
      organs[at] = below + share * (tube.hu - below);
    });
  }
  // Plaques in the wall of the aortic arch and the left coronary artery.
  for (const [px, py, pz, radius] of plaques) {
    const tube: Tube = { from: [px, py, pz], to: [px, py, pz], radiusFrom: radius, radiusTo: radius, hu: 480 };
    forPixelsNear(tube, z, 1, grid, (at, x, y) => {
      const share = coverage(tubeDistance(x, y, z, tube), spacing);
      organs[at] = (organs[at] ?? fat) + share * (tube.hu - (organs[at] ?? fat));
    });
  }
  return { inside, organs };
}

const plaques: readonly [number, number, number, number][] = [
  [22, 24, 72, 3],
  [36, 36, 58, 2.6],
  [14, -48, -6, 2.4],
  [24, -52, -14, 2.2],
  [35, 54, -40, 2.4],
];

function widened(tube: Tube, by: number): Tube {
  return { ...tube, radiusFrom: tube.radiusFrom + by, radiusTo: tube.radiusTo + by };
}

/** Share of each pixel that the tubes fill, averaged over the slice's thickness; `roughness` (mm) makes them ragged. */
function averageOver(
  z: number,
  thickness: number,
  grid: SliceGrid,
  tubes: readonly Tube[],
  roughness = 0,
): Float32Array {
  const total = new Float32Array(grid.size * grid.size);
  const sheet = new Float32Array(total.length);
  const touched: number[] = [];
  for (const offset of [-1 / 3, 0, 1 / 3]) {
    const height = z + offset * thickness;
    for (const tube of tubes) {
      forPixelsNear(tube, height, grid.spacing / 2 + roughness, grid, (at, x, y) => {
        const rough = roughness === 0 ? 0 : roughness * valueNoise(x / 2.8, y / 2.8, height / 4, 19);
        const share = coverage(tubeDistance(x, y, height, tube) + rough, grid.spacing);
        if (share <= (sheet[at] ?? 0)) return;
        if (sheet[at] === 0) touched.push(at);
        sheet[at] = share;
      });
    }
    for (const at of touched.splice(0)) {
      total[at] = (total[at] ?? 0) + (sheet[at] ?? 0) / 3;
      sheet[at] = 0;
    }
  }
  return total;
}

/** Lung tissue: denser towards the back, where it hangs when lying, and along the fissures. */
function lungHu(x: number, y: number, z: number, outside: number): number {
  let value = -876 + 0.2 * y + 13 * valueNoise(x / 17, y / 17, z / 17, 1) + 12 * valueNoise(x / 4.2, y / 4.2, z / 6, 2);
  if (outside > -14 && y > 30) value += (14 + outside) * 2.1 * min(1, (y - 30) / 40);
  // The oblique fissures, and the horizontal one on the right.
  const bow = 0.0022 * (abs(x) - 72) ** 2 + 5 * valueNoise(x / 34, y / 60, z / 60, 3);
  const oblique = (y + 0.78 * (z - (x < 0 ? 4 : 12)) - 12 + bow) * 0.79;
  value += 80 * exp(-((oblique / 1.5) * (oblique / 1.5)));
  if (x < 0 && y < 0) {
    const horizontal = (z - 6 - 0.12 * y + 6 * valueNoise(x / 40, y / 40, 0, 4)) / 3;
    value += 30 * exp(-(horizontal * horizontal));
  }
  return value;
}

/** Strands in the fat of the mediastinum. */
function septa(x: number, y: number, z: number): number {
  return valueNoise(x / 4, y / 4, z / 6, 16) * 12 + (valueNoise(x / 7, y / 7, z / 9, 17) > 0.7 ? 30 : 0);
}

/** Below the diaphragm: liver, stomach with its bubble, spleen, fat. */
function bellyHu(x: number, y: number, z: number, organ: number): number {
  if (organ > fat + 20) return organ;
  const depth = (diaphragmHeight(x, y) - z) * 0.8;
  if (depth < 2) return 42; // the muscle itself
  const liver = hypot((x + 58) / 96, (y + 4) / 92, (z + 150) / 86);
  if (liver < 1 && x < 44) {
    const vein = valueNoise(x / 15 + 3, y / 15, z / 24, 5);
    return 58 - (vein > 0.62 ? 12 : 0);
  }
  const spleen = hypot((x - 96) / 30, (y - 46) / 38, (z + 142) / 44);
  if (spleen < 1) return 50;
  const stomach = hypot((x - 62) / 44, (y + 14) / 48, (z + 146) / 46);
  if (stomach < 0.93) return y < -26 ? -985 : 18 + 14 * valueNoise(x / 5, y / 5, z / 5, 6);
  if (stomach < 1) return 40;
  return fat + 7 * valueNoise(x / 6, y / 6, z / 6, 7);
}

/** Chest wall, from the pleura to the skin. */
function wallHu(x: number, y: number, z: number, skin: number, outside: number, centreY: number): number {
  if (skin > -1.9) return 12;
  const angle = acos(min(1, max(-1, (y - centreY) / (hypot(x, y - centreY) || 1))));
  const bone = sternumHu(x, outside, angle, z) ?? ribHu(outside, angle, z);
  if (bone !== undefined) return bone;
  if (outside < 1.2) return -20;
  const thickness = muscleThickness(angle, z);
  const layer = outside - 9.5;
  const fatUnderSkin = 6 + 5 * exp(-(((angle - 1.7) / 0.6) ** 2)) + 2.5 * valueNoise(x / 40, y / 40, z / 60, 8);
  if (layer > thickness || skin > -fatUnderSkin) {
    return fat + 6 * valueNoise(x / 5, y / 5, z / 8, 9) + (valueNoise(x / 9, y / 9, z / 12, 10) > 0.74 ? 45 : 0);
  }
  // Sheets of fat between muscles: on the ribs, and between the layers that follow each other outwards.
  if (layer > 0 && layer < 1.3 && angle > 0.6) return -55;
  const warp = 7 * valueNoise(x / 38, y / 38, z / 60, 13);
  const sheet = modulo(layer + warp - 3, 17);
  const strand = valueNoise(x / 12, y / 12, z / 20, 18);
  if (layer > 5 && sheet < 1.3 + strand && strand > -0.25) return -70;
  return muscle + 7 * valueNoise(x / 4, y / 4, z / 6, 14) - (strand > 0.55 ? 25 : 0);
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}

/** Muscle outside the ribs, mm: beside the spine, under the shoulder, and the pectorals. */
function muscleThickness(angle: number, z: number): number {
  const upper = min(1, max(0, (z + 30) / 70));
  const beside = 26 * exp(-((angle / 0.55) ** 2));
  const side = (6 + 12 * upper) * exp(-(((angle - 1.15) / 0.6) ** 2));
  const front = (3 + 17 * upper) * exp(-(((angle - 2.45) / 0.42) ** 2));
  const shoulder = z > 62 ? (z - 62) * 2.2 : 0;
  return 2.5 + max(beside, side, front) + shoulder * (angle > 2.7 ? 0.3 : 1);
}

/** The couch: a thin shell of carbon fibre, hollow above its core. */
function tableHu(x: number, y: number): number {
  const surface = 142 - 0.0011 * x * x;
  if (abs(x) > 205 || y < surface || y > surface + 22) return air;
  return y < surface + 1.8 || y > surface + 20.2 ? -180 : -960;
}

/** The scanner's blur and noise; more noise where the body is wide and dense, streaks at the shoulders. */
function scanned(hu: Float32Array, z: number, grid: SliceGrid, seed: number): Float32Array {
  const { size } = grid;
  const image = blurred(hu, size, [0.2, 0.6, 0.2]);
  const noise = scannerNoise(size, seed);
  const level = 9.5 + max(0, z - 70) * 0.16 + max(0, -70 - z) * 0.05;
  const streaks = max(0, z - 70) * 0.16;
  for (let row = 0; row < size; row++) {
    const middle = 1 - ((row - size / 2) / (size / 2)) ** 2;
    const streak = streaks * middle * valueNoise(row / 2.3, z, 0, 15);
    for (let column = 0; column < size; column++) {
      const at = row * size + column;
      const centre = middle * (1 - ((column - size / 2) / (size / 2)) ** 2);
      const value = image[at] ?? air;
      const dense = value > -800 ? 1 : 0.82;
      image[at] = value + (noise[at] ?? 0) * level * (0.55 + 0.75 * centre) * dense + streak * centre;
    }
  }
  return image;
}
