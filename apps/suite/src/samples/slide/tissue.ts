import { atan2, ceil, cos, floor, hypot, max, min, pow, round, sin, sqrt, PI } from '../math.js';
import { seededRandom, type Random } from '../random.js';
import { valueNoise } from '../value-noise.js';

/**
 * A biopsy of large bowel, stained with haematoxylin and eosin, at half a micrometre a pixel: regular crypts with goblet
 * cells on the left, crowded dark glands as of a dysplastic polyp on the right, stroma with spindle cells and lymphocytes
 * between, a band of smooth muscle below, bare glass around.
 */
export interface Tissue {
  columns: number;
  rows: number;
  /** Amount of stain at each pixel, hundredths of optical density. */
  haematoxylin: Uint8Array;
  eosin: Uint8Array;
}

interface Gland {
  x: number;
  y: number;
  /** Half axes, pixels. */
  a: number;
  b: number;
  angle: number;
  /** 0 regular, 1 dysplastic. */
  grade: number;
  seed: number;
}

interface Nucleus {
  x: number;
  y: number;
  /** Half axes, pixels. */
  a: number;
  b: number;
  angle: number;
  /** Haematoxylin, hundredths of optical density. */
  darkness: number;
  /** How coarse the chromatin is, 0 to 1. */
  texture: number;
}

export function makeTissue(columns: number, rows: number, seed: number): Tissue {
  const random = seededRandom(seed);
  const tissue: Tissue = {
    columns,
    rows,
    haematoxylin: new Uint8Array(columns * rows),
    eosin: new Uint8Array(columns * rows),
  };
  const glands = placeGlands(tissue, random);
  paintStroma(tissue);
  const epithelium = new Uint8Array(columns * rows);
  for (const gland of glands) paintGland(tissue, gland, epithelium);
  for (const gland of glands) paintGoblets(tissue, gland);
  for (const gland of glands) {
    for (const nucleus of nucleiOf(gland, random)) paintNucleus(tissue, nucleus);
  }
  paintStromaCells(tissue, epithelium, random);
  return tissue;
}

/** Pixels from the edge of the tissue, negative on bare glass. */
function tissueDepth(x: number, y: number, { columns, rows }: Tissue): number {
  const u = (x - columns * 0.5) / (columns * 0.45);
  const v = (y - rows * 0.51) / (rows * 0.43);
  const rho = pow(u * u * u * u + v * v * v * v, 0.25);
  const ragged =
    110 * valueNoise(x / 620, y / 620, 0, 21) +
    42 * valueNoise(x / 170, y / 170, 0, 22) +
    9 * valueNoise(x / 38, y / 38, 0, 23);
  return (1 - rho) * rows * 0.43 + ragged;
}

/** 0 in the mucosa, 1 in the muscle below it. */
function muscleShare(x: number, y: number, { rows }: Tissue): number {
  const edge = rows * 0.8 + 70 * sin(x / 520) + 40 * valueNoise(x / 260, 0, 0, 24);
  const share = (y - edge) / 60;
  return share < 0 ? 0 : share > 1 ? 1 : share;
}

/** 0 on the left, 1 on the right, with a winding border. */
function gradeAt(x: number, y: number, { columns }: Tissue): number {
  const border = columns * 0.55 + 260 * valueNoise(x / 900, y / 500, 0, 25);
  const share = (x - border) / 220 + 0.5;
  return share < 0 ? 0 : share > 1 ? 1 : share;
}

/**
 * Coordinates along and across the fibres: straight ones bent by slow noise, so fibres run in waves and whorls without
 * a seam anywhere; nearly straight in muscle.
 */
function fibreCoordinates(x: number, y: number, muscle: number): { along: number; across: number } {
  const loose = 1 - 0.72 * muscle;
  const bend = 190 * valueNoise(x / 430, y / 430, 0, 26) + 75 * valueNoise(x / 150, y / 150, 0, 27);
  const drift = 150 * valueNoise(x / 390, y / 390, 0, 35);
  return { along: x + loose * drift, across: y - 20 * sin(x / 520) + loose * bend };
}

/** Direction of the fibres, radians: that in which `across` does not change. */
function fibreAngle(x: number, y: number, muscle: number): number {
  const here = fibreCoordinates(x, y, muscle).across;
  return atan2(here - fibreCoordinates(x + 4, y, muscle).across, fibreCoordinates(x, y + 4, muscle).across - here);
}

function placeGlands(tissue: Tissue, random: Random): Gland[] {
  const spacing = 176;
  const glands: Gland[] = [];
  for (let row = 0; row * spacing * 0.88 < tissue.rows; row++) {
    for (let column = 0; column * spacing < tissue.columns; column++) {
      const x = (column + (row % 2) / 2 + random.between(-0.19, 0.19)) * spacing;
      const y = (row + random.between(-0.19, 0.19)) * spacing * 0.88;
      const grade = gradeAt(x, y, tissue) > 0.5 ? 1 : 0;
      const a = (grade ? random.between(70, 96) : random.between(56, 80)) * 0.98;
      const gland: Gland = {
        x,
        y,
        a,
        b: a * (grade ? random.between(0.6, 1) : random.between(0.74, 1)),
        angle: random.between(0, PI),
        grade,
        seed: floor(random.between(0, 1e6)),
      };
      const isMissing = random.next() < 0.06;
      const fits = tissueDepth(x, y, tissue) > a + 8 && muscleShare(x, y + a, tissue) === 0;
      if (fits && !isMissing) glands.push(gland);
    }
  }
  return glands;
}

/** Place in a gland: 0 at its middle, 1 at its edge. */
function glandRho(x: number, y: number, gland: Gland): number {
  const [dx, dy] = [x - gland.x, y - gland.y];
  const [c, s] = [cos(gland.angle), sin(gland.angle)];
  const u = (dx * c + dy * s) / gland.a;
  const v = (dy * c - dx * s) / gland.b;
  const wobble = gland.grade ? 0.14 : 0.06;
  return sqrt(u * u + v * v) * (1 + wobble * valueNoise(x / 46, y / 46, 0, gland.seed));
}

function wallShare(gland: Gland): number {
  return (gland.grade ? 44 : 34) / gland.b;
}

function paintStroma(tissue: Tissue): void {
  const { columns, rows } = tissue;
  // What changes slowly is worked out at every eighth pixel and blended between: it is the costly part.
  const cell = 8;
  const corner = (x: number, y: number) => {
    const muscle = muscleShare(x, y, tissue);
    return { muscle, depth: tissueDepth(x, y, tissue), ...fibreCoordinates(x, y, muscle) };
  };
  const cornersAt = (y: number) =>
    Array.from({ length: ceil(columns / cell) + 1 }, (_, index) => corner(index * cell, y));
  let upper = cornersAt(0);
  for (let top = 0; top < rows; top += cell) {
    const lower = cornersAt(top + cell);
    for (let index = 0; index * cell < columns; index++) {
      const [a, b, c, d] = [upper[index], upper[index + 1], lower[index], lower[index + 1]];
      if (!a || !b || !c || !d || max(a.depth, b.depth, c.depth, d.depth) < -12) continue;
      const isEdge = min(a.depth, b.depth, c.depth, d.depth) < 16;
      for (let y = top; y < min(rows, top + cell); y++) {
        const v = (y - top) / cell;
        for (let x = index * cell; x < min(columns, (index + 1) * cell); x++) {
          const u = x / cell - index;
          const inside = isEdge ? tissueDepth(x, y, tissue) : 16;
          if (inside < 0) continue;
          const along = blend(a.along, b.along, c.along, d.along, u, v);
          const across = blend(a.across, b.across, c.across, d.across, u, v);
          paintFibres(
            tissue,
            y * columns + x,
            along,
            across,
            blend(a.muscle, b.muscle, c.muscle, d.muscle, u, v),
            inside,
          );
        }
      }
    }
    upper = lower;
  }
}

function blend(a: number, b: number, c: number, d: number, u: number, v: number): number {
  const top = a + (b - a) * u;
  return top + (c + (d - c) * u - top) * v;
}

/** Noise drawn out along the fibres: clefts in loose stroma, thick bundles in muscle. */
function paintFibres(
  { haematoxylin, eosin }: Tissue,
  at: number,
  along: number,
  across: number,
  muscle: number,
  inside: number,
): void {
  const coarse = valueNoise(along / 95, across / 11, 0, 28);
  const fine = valueNoise(along / 34, across / 3.4, 0, 29);
  const loose = 23 + 12 * coarse + 8 * fine;
  const dense = 44 + 7 * coarse + 6 * fine;
  let amount = loose + (dense - loose) * muscle;
  const cleft = (-0.3 - coarse) * (1 - muscle);
  if (cleft > 0) amount *= max(0.12, 1 - 4 * cleft);
  if (inside < 5) amount += 9;
  eosin[at] = amount < 3 ? 3 : amount;
  haematoxylin[at] = 4 + 2 * coarse;
}

function paintGland(tissue: Tissue, gland: Gland, epithelium: Uint8Array): void {
  const { haematoxylin, eosin } = tissue;
  const wall = wallShare(gland);
  forPixelsAround(tissue, gland.x, gland.y, gland.a * 1.3, (at, x, y) => {
    const rho = glandRho(x, y, gland);
    if (rho > 1.06) return;
    epithelium[at] = 1;
    const fine = valueNoise(x / 5, y / 5, 0, 30);
    if (rho > 1) {
      // Basement membrane, and the cleft that shrinking leaves beside it.
      eosin[at] = rho > 1.035 ? 16 : 40;
      haematoxylin[at] = 6;
    } else if (rho > 1 - wall) {
      const towardsLumen = (1 - rho) / wall;
      eosin[at] = (gland.grade ? 24 : 22) + 6 * fine + (towardsLumen > 0.92 ? 14 : 0);
      haematoxylin[at] = (gland.grade ? 17 : 9) + 3 * fine;
    } else {
      const mucin = valueNoise(x / 17, y / 17, 0, gland.seed + 1);
      const strand = min(1, max(0, (mucin - 0.1) * 2.2));
      eosin[at] = 1 + 5 * strand;
      haematoxylin[at] = 1 + 6 * strand;
    }
  });
}

/** Goblet cells: clear drops of mucin between nucleus and lumen, in regular crypts. */
function paintGoblets(tissue: Tissue, gland: Gland): void {
  if (gland.grade) return;
  const random = seededRandom(gland.seed);
  const wall = wallShare(gland);
  const count = round((2 * PI * gland.a) / 22);
  for (let index = 0; index < count; index++) {
    if (random.next() < 0.25) continue;
    const place = onRing(gland, (index / count) * 2 * PI, 1 - wall * 0.63);
    const size = random.between(7, 10);
    forPixelsAround(tissue, place.x, place.y, size + 1, (at, x, y) => {
      const off = hypot(x - place.x, y - place.y) - size;
      if (off > 0) return;
      const rim = off > -1.6;
      tissue.eosin[at] = rim ? 20 : 5 + 3 * valueNoise(x / 6, y / 6, 0, 31);
      tissue.haematoxylin[at] = rim ? 16 : 8 + 3 * valueNoise(x / 4, y / 4, 0, 32);
    });
  }
}

function onRing(gland: Gland, angle: number, rho: number): { x: number; y: number; outward: number } {
  const [c, s] = [cos(gland.angle), sin(gland.angle)];
  const [u, v] = [gland.a * rho * cos(angle), gland.b * rho * sin(angle)];
  const [nu, nv] = [cos(angle) / gland.a, sin(angle) / gland.b];
  return {
    x: gland.x + u * c - v * s,
    y: gland.y + u * s + v * c,
    outward: atan2(nu * s + nv * c, nu * c - nv * s),
  };
}

/** Nuclei stand in one row at the base of regular cells; dysplastic ones are long, dark, and pile up. */
function nucleiOf(gland: Gland, random: Random): Nucleus[] {
  const nuclei: Nucleus[] = [];
  const wall = wallShare(gland);
  const layers = gland.grade ? [0.2, 0.5] : [0.22];
  for (const layer of layers) {
    const pitch = gland.grade ? 13.5 : 14.5;
    const count = round((PI * (gland.a + gland.b) * (1 - wall * layer)) / pitch);
    for (let index = 0; index < count; index++) {
      if (random.next() < (layer > 0.3 ? 0.3 : 0.04)) continue;
      const turn = ((index + random.between(-0.25, 0.25)) / count) * 2 * PI;
      const place = onRing(gland, turn, 1 - wall * (layer + random.between(-0.07, 0.09)));
      nuclei.push({
        x: place.x,
        y: place.y,
        a: gland.grade ? random.between(8.5, 13) : random.between(6, 8.2),
        b: gland.grade ? random.between(4.4, 6.4) : random.between(4.6, 5.8),
        angle: place.outward + random.between(-0.24, 0.24),
        darkness: gland.grade ? random.between(82, 112) : random.between(62, 84),
        texture: gland.grade ? 0.9 : 0.5,
      });
    }
  }
  return nuclei;
}

/** Spindle cells along the fibres, lymphocytes in crowds. */
function paintStromaCells(tissue: Tissue, epithelium: Uint8Array, random: Random): void {
  const spacing = 25;
  for (let top = 0; top < tissue.rows; top += spacing) {
    for (let left = 0; left < tissue.columns; left += spacing) {
      const x = left + random.between(0, spacing);
      const y = top + random.between(0, spacing);
      const chance = random.next();
      const [size, shape, shade] = [random.next(), random.next(), random.next()];
      const at = floor(y) * tissue.columns + floor(x);
      if (epithelium[at] !== 0 || tissueDepth(x, y, tissue) < 10) continue;
      const muscle = muscleShare(x, y, tissue);
      const crowd = valueNoise(x / 150, y / 150, 0, 33);
      if (muscle < 0.4 && chance < 0.2 + 0.55 * max(0, crowd)) {
        const radius = 4.8 + 1.8 * size;
        paintNucleus(tissue, {
          x,
          y,
          a: radius * (1 + 0.15 * shape),
          b: radius,
          angle: shape * 3,
          darkness: 92 + 26 * shade,
          texture: 0.7,
        });
      } else if (chance < (muscle > 0.4 ? 0.42 : 0.62)) {
        paintNucleus(tissue, {
          x,
          y,
          a: 8 + 6 * size,
          b: 2.3 + 1.3 * shape,
          angle: fibreAngle(x, y, muscle) + (shade - 0.5) * 0.5,
          darkness: 58 + 26 * shade,
          texture: 0.4,
        });
      }
    }
  }
}

/** An ellipse with a sharp rim, chromatin inside and sometimes a nucleolus; darker where nuclei lie on each other. */
function paintNucleus(tissue: Tissue, { x: cx, y: cy, a, b, angle, darkness, texture }: Nucleus): void {
  const [c, s] = [cos(angle), sin(angle)];
  forPixelsAround(tissue, cx, cy, a + 2, (at, x, y) => {
    const [dx, dy] = [x - cx, y - cy];
    const [u, v] = [(dx * c + dy * s) / a, (dy * c - dx * s) / b];
    const rho = sqrt(u * u + v * v);
    const edge = (1 - rho) * b; // pixels inside the rim
    if (edge < -0.8) return;
    const share = edge > 0.8 ? 1 : (edge + 0.8) / 1.6;
    const chromatin = valueNoise(x / 2.4 + cx, y / 2.4 + cy, 0, 34);
    const rim = edge < 2 ? 1.1 : 0.86;
    const amount = darkness * rim * (1 + 0.3 * texture * chromatin);
    const below = tissue.haematoxylin[at] ?? 0;
    const value = below > 45 ? max(below, amount) + 6 * share : below + share * (amount - below);
    tissue.haematoxylin[at] = value > 165 ? 165 : value;
    tissue.eosin[at] = (tissue.eosin[at] ?? 0) * (1 - 0.45 * share) + 5 * share;
  });
}

function forPixelsAround(
  { columns, rows }: Tissue,
  cx: number,
  cy: number,
  reach: number,
  paint: (at: number, x: number, y: number) => void,
): void {
  const left = max(0, floor(cx - reach));
  const right = min(columns - 1, ceil(cx + reach));
  const top = max(0, floor(cy - reach));
  const bottom = min(rows - 1, ceil(cy + reach));
  for (let y = top; y <= bottom; y++) for (let x = left; x <= right; x++) paint(y * columns + x, x, y);
}
