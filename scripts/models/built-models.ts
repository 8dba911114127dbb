import { buildEcgRhythm } from './ecg-rhythm.js';
import { buildHeCellularity } from './he-cellularity.js';
import { buildLungDensity } from './lung-density.js';

/** Every network whose model.onnx is written by a program, by the folder it lies in under models/. */
export const builtModels: Record<string, () => Uint8Array> = {
  'radiology/lung-density/1.1.0': buildLungDensity,
  'cardiology/ecg-rhythm/1.1.0': buildEcgRhythm,
  'pathology/he-cellularity/1.1.0': buildHeCellularity,
};
