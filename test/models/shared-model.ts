import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { loadModel } from '../../apps/inference/src/models/load-models.js';
import type { Model } from '../../apps/inference/src/models/model.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const root = path.resolve(import.meta.dirname, '../..');
const shared = path.resolve(root, '../shared/models');

/** Other people's trained models, which are not part of this repository: only our model.json of them is. */
export const sharedModels = {
  brain: 'radiology/brain-subcortical-meshnet18',
  chest: 'radiology/cxr-nih14-mobilenetv3s-int8',
  ecg: 'cardiology/ecg12-ptbxl-resnet',
  nuclei: 'pathology/he-nuclei-unet-cc0',
} as const;

export const hasSharedModels = Object.values(sharedModels).every((id) =>
  existsSync(path.join(shared, id, 'model.onnx')),
);
if (!hasSharedModels) console.warn(`The trained models are not in ${shared}: what they give is not tested.`);

export const sampleOf = (id: string, file: string): string => path.join(shared, id, 'samples', file);

/** A folder of models as an administrator would put it together: our model.json, their model.onnx. */
export function modelsFolder(...ids: string[]): string {
  const folder = temporaryFolder('models');
  for (const id of ids) {
    const version = path.join(folder, id, '1.0.0');
    mkdirSync(version, { recursive: true });
    const own = path.join(root, 'test/models', id, '1.0.0/model.json');
    const shipped = path.join(root, 'models', id, '1.0.0/model.json');
    cpSync(existsSync(own) ? own : shipped, path.join(version, 'model.json'));
    symlinkSync(path.join(shared, id, 'model.onnx'), path.join(version, 'model.onnx'));
  }
  return folder;
}

export function loadShared(id: string): Promise<Model> {
  return loadModel(path.join(modelsFolder(id), id, '1.0.0'));
}
