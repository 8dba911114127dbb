import { ceil, exp, floor, max, min, round, sin, sqrt, PI } from '../math.js';
import { seededRandom, type Random } from '../random.js';

export const samplesPerSecond = 500;

/** A bump of the heart's dipole, mV: peak height, time from the R peak and width in ms. */
interface Wave {
  height: number;
  at: number;
  width: number;
}

/**
 * The heart's electrical dipole of one beat along Frank's axes (to the left, to the feet, to the back): septum first,
 * then the free wall of the left ventricle, then its base; a sum of Gaussians as in McSharry et al., IEEE Trans Biomed
 * Eng 2003;50:289-294. There is no P wave: the atria fibrillate.
 */
const ventricles: readonly (readonly Wave[])[] = [
  [
    { height: -0.13, at: -23, width: 7 },
    { height: 1.12, at: 0, width: 10.5 },
    { height: -0.2, at: 25, width: 8.5 },
  ],
  [
    { height: -0.06, at: -24, width: 7 },
    { height: 0.72, at: 2, width: 10.5 },
    { height: -0.14, at: 26, width: 8.5 },
  ],
  [
    { height: -0.36, at: -13, width: 8.5 },
    { height: 0.82, at: 13, width: 11 },
  ],
];
const repolarisation = [0.24, 0.17, -0.2] as const;

/** Dower's transform: what each lead sees of the dipole (J Electrocardiol 1980;13:259-274), mV per mV. */
const leadFields = {
  I: [0.632, -0.235, 0.059],
  II: [0.235, 1.066, -0.132],
  V1: [-0.515, 0.157, -0.917],
  V2: [0.044, 0.164, -1.387],
  V3: [0.882, 0.098, -1.277],
  V4: [1.213, 0.127, -0.601],
  V5: [1.125, 0.127, -0.086],
  V6: [0.831, 0.076, 0.23],
} as const;

export const leadNames = ['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'] as const;
export type LeadName = (typeof leadNames)[number];

export interface Electrocardiogram {
  /** Microvolts, whole numbers, `samplesPerSecond` a second. */
  leads: Record<LeadName, Int16Array>;
  /** Seconds of the R peaks. */
  beats: number[];
}

/**
 * Atrial fibrillation with a fast ventricular answer: beats at about 116 a minute that follow no pattern, no P waves,
 * fine fibrillation waves, and what a resting recording has besides (breathing, muscle, electrodes).
 */
export function fibrillatingHeart(seconds: number, seed: number): Electrocardiogram {
  const random = seededRandom(seed);
  const length = seconds * samplesPerSecond;
  const beats = irregularBeats(seconds, random);
  const dipole = [0, 1, 2].map(() => new Float64Array(length)) as [Float64Array, Float64Array, Float64Array];
  addVentricles(dipole, beats);
  addFibrillation(dipole, random);

  // Electrodes pick up noise of their own; leads are differences of electrodes, so the noise keeps Einthoven's law.
  const electrodes = Object.fromEntries(
    ['RA', 'LA', 'LL', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6'].map((name) => [name, electrodeNoise(length, random)]),
  ) as Record<string, Float64Array>;
  const noiseOf = (electrode: string, at: number): number => electrodes[electrode]?.[at] ?? 0;
  const seen = (lead: keyof typeof leadFields, at: number): number => {
    const [x, y, z] = leadFields[lead];
    return x * (dipole[0][at] ?? 0) + y * (dipole[1][at] ?? 0) + z * (dipole[2][at] ?? 0);
  };

  const leads = Object.fromEntries(leadNames.map((name) => [name, new Int16Array(length)])) as Record<
    LeadName,
    Int16Array
  >;
  for (let at = 0; at < length; at++) {
    const [right, left, foot] = [noiseOf('RA', at), noiseOf('LA', at), noiseOf('LL', at)];
    const one = round(1000 * (seen('I', at) + left - right));
    const two = round(1000 * (seen('II', at) + foot - right));
    leads.I[at] = one;
    leads.II[at] = two;
    // Einthoven and Goldberger, from the stored values of I and II: exact but for half a microvolt.
    leads.III[at] = two - one;
    leads.aVR[at] = round(-(one + two) / 2);
    leads.aVL[at] = round(one - two / 2);
    leads.aVF[at] = round(two - one / 2);
    const terminal = (right + left + foot) / 3;
    for (const name of ['V1', 'V2', 'V3', 'V4', 'V5', 'V6'] as const) {
      leads[name][at] = round(1000 * (seen(name, at) + noiseOf(name, at) - terminal));
    }
  }
  return { leads, beats: beats.filter((beat) => beat >= 0 && beat < seconds) };
}

/** Each interval is drawn for itself: no pattern, as when the atria fibrillate. */
function irregularBeats(seconds: number, random: Random): number[] {
  const beats: number[] = [];
  for (let at = -0.6; at < seconds + 0.6;) {
    beats.push(at);
    at += min(0.86, max(0.34, 0.505 * exp(0.23 * random.normal())));
  }
  return beats;
}

function addVentricles(dipole: readonly Float64Array[], beats: readonly number[]): void {
  beats.forEach((beat, index) => {
    const before = beat - (beats[index - 1] ?? beat - 0.52);
    // A short pause before fills the heart less; breathing turns and lifts it a little.
    const strength = 0.9 + 0.18 * min(1, before / 0.7) + 0.04 * sin(2 * PI * 0.27 * beat);
    const tPeak = 165 + 85 * sqrt(before / 0.6);
    ventricles.forEach((waves, axis) => {
      for (const wave of waves) {
        addGaussian(dipole[axis], beat + wave.at / 1000, wave.height * strength, wave.width / 1000, wave.width / 1000);
      }
      addGaussian(dipole[axis], beat + tPeak / 1000, repolarisation[axis] ?? 0, 0.048, 0.03);
    });
  });
}

function addGaussian(
  target: Float64Array | undefined,
  middle: number,
  height: number,
  widthBefore: number,
  widthAfter: number,
): void {
  if (!target) return;
  const first = max(0, floor((middle - 5 * widthBefore) * samplesPerSecond));
  const last = min(target.length - 1, ceil((middle + 5 * widthAfter) * samplesPerSecond));
  for (let at = first; at <= last; at++) {
    const off = at / samplesPerSecond - middle;
    const scaled = off / (off < 0 ? widthBefore : widthAfter);
    target[at] = (target[at] ?? 0) + height * exp(-0.5 * scaled * scaled);
  }
}

/** Waves of about 6.5 a second whose rate and size drift; strongest towards the right front, so in V1. */
function addFibrillation(dipole: readonly Float64Array[], random: Random): void {
  for (const [axis, size] of [0.018, 0.03, 0.055].entries()) {
    const target = dipole[axis];
    if (!target) continue;
    let [phase, rate, height] = [random.between(0, 2 * PI), 6.5, 1];
    for (let at = 0; at < target.length; at++) {
      rate += (6.5 - rate) * 0.01 + 0.12 * random.normal();
      height += (1 - height) * 0.01 + 0.03 * random.normal();
      phase += (2 * PI * rate) / samplesPerSecond;
      target[at] = (target[at] ?? 0) + size * height * (sin(phase) + 0.35 * sin(2 * phase + 0.6));
    }
  }
}

/** mV: slow drift with breathing, and muscle. */
function electrodeNoise(length: number, random: Random): Float64Array {
  const noise = new Float64Array(length);
  const slow = [0.12, 0.27, 0.43].map((rate) => ({
    rate,
    height: random.between(0.008, 0.026),
    phase: random.between(0, 2 * PI),
  }));
  let [previous, muscle] = [0, 0];
  for (let at = 0; at < length; at++) {
    const white = random.normal();
    muscle = 0.45 * muscle + 0.55 * (white - 0.6 * previous);
    previous = white;
    let drift = 0;
    for (const { rate, height, phase } of slow) {
      drift += height * sin((2 * PI * rate * at) / samplesPerSecond + phase);
    }
    noise[at] = drift + 0.008 * muscle;
  }
  return noise;
}
