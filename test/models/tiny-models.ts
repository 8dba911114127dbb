import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { GraphBuilder } from '../../scripts/models/graph-builder.js';
import { loadModel } from '../../apps/inference/src/models/load-models.js';
import type { Model } from '../../apps/inference/src/models/model.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const shared = {
  manifestVersion: 2,
  manufacturer: 'Isocenter tests',
  intendedUse: 'Tests only; it is not a medical device.',
  limits: ['It finds what is bright and nothing else.'],
  licence: 'CC0-1.0',
  references: ['None: it is made for a test.'],
};
const code = (value: string, meaning: string) => ({ value, scheme: 'SCT', meaning });
const noUnits = { value: '1', scheme: 'UCUM', meaning: 'no units' };
const labels = [
  { id: 'bright', value: 1, label: 'Bright', code: code('10200004', 'Liver') },
  { id: 'brightest', value: 2, label: 'Brightest', code: code('64033007', 'Kidney') },
];

export interface ModelFiles {
  manifest: Record<string, unknown>;
  network: Uint8Array;
}

/** Slices of any plane -> 1 where a voxel is above 100, 2 where it is above 200. */
export function brightVolume(): ModelFiles {
  const g = new GraphBuilder('bright_volume');
  const image = g.input('volume', 'float32', ['n', 1, 'd', 'h', 'w']);
  const above = (limit: number) => g.op('Cast', [g.op('Greater', [image, g.float(limit)])], { to: 1 });
  g.output('mask', g.op('Cast', [g.op('Add', [above(100), above(200)])], { to: 2 }), 'uint8', ['n', 1, 'd', 'h', 'w']);
  return {
    network: g.model('What is bright in a volume.', 1),
    manifest: {
      ...shared,
      title: 'Bright volume',
      accepts: { instances: [{ keyword: 'Modality', oneOf: ['CT', 'MR'] }] },
      input: {
        kind: 'volume',
        slices: { atLeast: 4, atMost: 400 },
        sliceSpacing: { atLeast: 0.5, atMost: 10 },
        extent: { atLeast: 5 },
        preprocessing: [{ step: 'modality-values' }, { step: 'reorient', axes: 'LIA' }],
      },
      inputs: [{ name: 'volume', dtype: 'float32', shape: ['n', 1, 'd', 'h', 'w'] }],
      outputs: [{ name: 'mask', dtype: 'uint8', shape: ['n', 1, 'd', 'h', 'w'] }],
      labels,
      postprocessing: [
        { step: 'mask', of: 'mask', gives: 'found' },
        { step: 'volumes', of: 'found', gives: 'volume' },
      ],
      measurements: [
        {
          eachLabelOf: 'volume',
          labelIs: 'site',
          label: '{label} volume',
          code: code('118565006', 'Volume'),
          unit: { value: 'mL', scheme: 'UCUM', meaning: 'milliliter' },
          decimals: 3,
        },
      ],
      segmentations: [
        { of: 'found', form: 'binary', description: 'What is bright' },
        { of: 'found', form: 'labelmap', description: 'What is bright, as labels' },
      ],
      summary: 'Bright {volume.bright} mL',
      triage: [{ measurement: 'volume.bright', is: 'above', threshold: 0.5, priority: 'HIGH' }],
    },
  };
}

/** A radiograph -> a map of its brightness, two boxes (one of them within the other), a vector. */
export function boxesAndMap(): ModelFiles {
  const g = new GraphBuilder('boxes_and_map');
  const image = g.input('image', 'float32', ['n', 1, 64, 64]);
  g.output('map', g.op('AveragePool', [image], { kernel_shape: [8, 8], strides: [8, 8] }), 'float32', ['n', 1, 8, 8]);
  g.output('boxes', g.floats([8, 16, 40, 48, 9, 17, 40, 47, 1, 1, 5, 5], [1, 3, 4]), 'float32', [1, 3, 4]);
  g.output('scores', g.floats([0.9, 0.8, 0.2], [1, 3]), 'float32', [1, 3]);
  g.output('vector', g.op('ReduceMean', [image], { axes: [1, 3], keepdims: 0 }), 'float32', ['n', 64]);
  return {
    network: g.model('Boxes and a map.', 1),
    manifest: {
      ...shared,
      title: 'Boxes and a map',
      accepts: { instances: [{ keyword: 'Modality', oneOf: ['CR', 'DX'] }] },
      input: {
        kind: 'image',
        colour: 'grey',
        preprocessing: [
          { step: 'voi-window' },
          { step: 'resize', rows: 64, columns: 64, aspect: 'pad' },
          { step: 'normalise', by: 'constants', scale: 0.00392156862745098 },
        ],
      },
      inputs: [{ name: 'image', dtype: 'float32', shape: ['n', 1, 64, 64] }],
      outputs: [
        { name: 'map', dtype: 'float32', shape: ['n', 1, 8, 8] },
        { name: 'boxes', dtype: 'float32', shape: [1, 3, 4], layout: 'NWC' },
        { name: 'scores', dtype: 'float32', shape: [1, 3], layout: 'NW' },
        { name: 'vector', dtype: 'float32', shape: ['n', 64] },
      ],
      labels: [{ id: 'nodule', value: 1, label: 'Nodule', code: code('427359005', 'Solitary nodule of lung') }],
      postprocessing: [
        {
          step: 'non-maximum-suppression',
          boxes: 'boxes',
          scores: 'scores',
          corners: 'xyxy',
          scoreAbove: 0.5,
          overlapAbove: 0.5,
          atMost: 10,
          gives: 'nodules',
        },
        { step: 'heat-map', of: 'map', gives: 'heat' },
        { step: 'embedding', of: 'vector', gives: 'rows' },
      ],
      measurements: [
        {
          id: 'count',
          value: 'nodules.count',
          label: 'Nodules',
          code: { value: 'COUNT', scheme: '99ISOCENTER', meaning: 'Count' },
          unit: noUnits,
          decimals: 0,
        },
      ],
      heatMaps: [{ of: 'heat', from: 0, to: 1, description: 'Brightness' }],
      drawings: [{ of: 'nodules', description: 'Nodules' }],
      embeddings: [{ of: 'rows', label: 'Rows' }],
      summary: '{count} nodules',
      triage: [{ measurement: 'count', is: 'above', threshold: 0, priority: 'MEDIUM' }],
    },
  };
}

/** Writes the folder an administrator would, and loads it. */
export async function loadTiny(id: string, { manifest, network }: ModelFiles): Promise<Model> {
  const folder = path.join(temporaryFolder('tiny'), id, '1.0.0');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'model.json'), JSON.stringify(manifest));
  writeFileSync(path.join(folder, 'model.onnx'), network);
  return loadModel(folder);
}
