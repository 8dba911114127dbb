import { exp, floor, hypot, sign } from '../math.js';
import { seededRandom, type Random } from '../random.js';
import { growVessels } from './grow-vessels.js';
import { type Airway, hilum, lungDepth, type Tube } from './thorax.js';

type Point = readonly [number, number, number];

/** What is in the lungs of the phantom beside their tissue. */
export interface Lungs {
  vessels: Tube[];
  airways: Airway[];
  /** Destroyed lobules of centrilobular emphysema, most in the upper lobes. */
  emphysema: Tube[];
}

export function growLungs(seed: number): Lungs {
  const random = seededRandom(seed);
  const vessels: Tube[] = [];
  const airways: Airway[] = [];
  for (const side of [-1, 1] as const) {
    const root: Point = side < 0 ? hilum.right : hilum.left;
    const arteries = growVessels({ root, targets: targetsIn(side, 13.5, random), tipRadius: 0.62, hu: 38 }, random);
    vessels.push(...arteries);
    airways.push(...beside(arteries));
    // Veins: from below the arteries, to places of their own.
    vessels.push(
      ...growVessels(
        { root: [root[0], root[1] + 2, -18], targets: targetsIn(side, 17, random), tipRadius: 0.62, hu: 38 },
        random,
      ),
    );
  }
  return { vessels, airways, emphysema: destroyLobules(random) };
}

/** A jittered lattice of points in one lung, none nearer than 5 mm to its surface. */
function targetsIn(side: -1 | 1, spacing: number, random: Random): Point[] {
  const targets: Point[] = [];
  for (let z = -150; z < 130; z += spacing) {
    for (let y = -100; y < 100; y += spacing) {
      for (let x = 8; x < 140; x += spacing) {
        const jitter = (): number => random.between(-0.42, 0.42) * spacing;
        const point: Point = [side * (x + jitter()), y + jitter(), z + jitter()];
        if (lungDepth(...point) > 5) targets.push(point);
      }
    }
  }
  return targets;
}

/** A bronchus beside each artery that is large enough for it to be seen. */
function beside(arteries: Tube[]): Airway[] {
  return arteries
    .filter(({ radiusTo }) => radiusTo > 1.55)
    .map((artery) => {
      const radiusFrom = artery.radiusFrom * 0.66;
      const radiusTo = artery.radiusTo * 0.66;
      const wall = 0.45 + artery.radiusTo * 0.14;
      const [ox, oy, oz] = sideways(artery, artery.radiusTo + radiusTo + wall);
      return {
        from: [artery.from[0] + ox, artery.from[1] + oy, artery.from[2] + oz],
        to: [artery.to[0] + ox, artery.to[1] + oy, artery.to[2] + oz],
        radiusFrom,
        radiusTo,
        hu: -985,
        wall,
      };
    });
}

/** Across the artery, towards the middle and the back, where the bronchus runs. */
function sideways(artery: Tube, length: number): Point {
  const along: Point = [artery.to[0] - artery.from[0], artery.to[1] - artery.from[1], artery.to[2] - artery.from[2]];
  const squared = along[0] ** 2 + along[1] ** 2 + along[2] ** 2 || 1;
  const wanted: Point = [-sign(artery.from[0]) * 0.6, 0.6, 0.3];
  const share = (wanted[0] * along[0] + wanted[1] * along[1] + wanted[2] * along[2]) / squared;
  const across: Point = [wanted[0] - share * along[0], wanted[1] - share * along[1], wanted[2] - share * along[2]];
  const scale = length / (hypot(...across) || 1);
  return [across[0] * scale, across[1] * scale, across[2] * scale];
}

/**
 * Holes the size of a lobule's core, a few millimetres wide, apart from each other, crowded towards the apex: that is
 * what tells centrilobular emphysema from the panlobular kind. Some have run together.
 */
function destroyLobules(random: Random): Tube[] {
  const holes: Tube[] = [];
  const spacing = 9.6;
  for (let z = -130; z < 130; z += spacing) {
    for (let y = -100; y < 100; y += spacing) {
      for (let x = -140; x < 140; x += spacing) {
        const jitter = (): number => random.between(-0.4, 0.4) * spacing;
        const [cx, cy, cz] = [x + jitter(), y + jitter(), z + jitter()];
        const severity = 0.07 + 0.83 / (1 + exp(-(cz + 14) / 26));
        const present = random.next();
        const radius = random.between(2.6, 3.9 + 3.5 * severity);
        if (present > severity || lungDepth(cx, cy, cz) < 2.5) continue;
        holes.push(ball([cx, cy, cz], radius));
        const lobes = floor(random.between(0, 1.5 + 1.5 * severity));
        for (let lobe = 0; lobe < lobes; lobe++) {
          const reach = radius * 0.8;
          const beside = (centre: number): number => centre + random.between(-reach, reach);
          holes.push(ball([beside(cx), beside(cy), beside(cz)], radius * random.between(0.5, 0.8)));
        }
      }
    }
  }
  return holes;
}

function ball(centre: Point, radius: number): Tube {
  return { from: centre, to: centre, radiusFrom: radius, radiusTo: radius, hu: -987 };
}
