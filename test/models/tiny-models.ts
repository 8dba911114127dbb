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

/** A radiograph -> whether it is dark or bright, by its mean. */
export function darkOrBright(): ModelFiles {
  const g = new GraphBuilder('dark_or_bright');
  const image = g.input('image', 'float32', ['n', 1, 8, 8]);
  const mean = g.op('ReduceMean', [image], { axes: [2, 3], keepdims: 0 });
  g.output('scores', g.op('Concat', [g.op('Sub', [g.float(1), mean]), mean], { axis: 1 }), 'float32', ['n', 2]);
  return {
    network: g.model('How bright a picture is.', 1),
    manifest: {
      ...shared,
      title: 'Dark or bright',
      accepts: { instances: [{ keyword: 'Modality', oneOf: ['CR', 'DX'] }] },
      input: {
        kind: 'image',
        colour: 'grey',
        preprocessing: [
          { step: 'voi-window' },
          { step: 'resize', rows: 8, columns: 8 },
          { step: 'normalise', by: 'constants', scale: 0.00392156862745098 },
        ],
      },
      inputs: [{ name: 'image', dtype: 'float32', shape: ['n', 1, 8, 8] }],
      outputs: [{ name: 'scores', dtype: 'float32', shape: ['n', 2] }],
      labels: [
        { id: 'dark', value: 0, label: 'Dark', code: { value: 'DARK', scheme: '99ISOCENTER', meaning: 'Dark' } },
        {
          id: 'bright',
          value: 1,
          label: 'Bright',
          code: { value: 'BRIGHT', scheme: '99ISOCENTER', meaning: 'Bright' },
        },
      ],
      postprocessing: [
        { step: 'scores', of: 'scores', gives: 'p' },
        { step: 'top-label', of: 'p', gives: 'top' },
      ],
      classes: [
        {
          id: 'shade',
          of: 'top',
          label: 'Shade',
          code: { value: 'SHADE', scheme: '99ISOCENTER', meaning: 'Shade of the picture' },
        },
      ],
      summary: 'Shade: {shade}',
      triage: [{ class: 'shade', oneOf: ['bright'], priority: 'MEDIUM' }],
    },
  };
}

/** Squares of a slide -> 1 where it is dark, 2 where it is not clear glass. */
export function darkTissue(size: number, form: 'binary' | 'labelmap'): ModelFiles {
  const g = new GraphBuilder('dark_tissue');
  const image = g.input('rgb', 'float32', ['n', 3, 'h', 'w']);
  const mean = g.op('ReduceMean', [image], { axes: [1], keepdims: 1 });
  const below = (limit: number) => g.op('Cast', [g.op('Less', [mean, g.float(limit)])], { to: 1 });
  const value = g.op('Sub', [g.op('Mul', [below(200), g.float(2)]), below(100)]);
  g.output('mask', g.op('Cast', [value], { to: 2 }), 'uint8', ['n', 1, 'h', 'w']);
  return {
    network: g.model('What is dark on a slide.', 1),
    manifest: {
      ...shared,
      title: 'Dark tissue',
      accepts: { instances: [{ keyword: 'Modality', oneOf: ['SM'] }] },
      input: {
        kind: 'tiles',
        pixelSpacingMicrometres: { nearest: 0.5, atLeast: 0.2, atMost: 1.1 },
        tiles: { atMost: 200_000 },
        cut: { size },
        batch: 64,
        preprocessing: [{ step: 'blank-outside-matrix', value: 255 }],
      },
      inputs: [{ name: 'rgb', dtype: 'float32', shape: ['n', 3, 'h', 'w'] }],
      outputs: [{ name: 'mask', dtype: 'uint8', shape: ['n', 1, 'h', 'w'] }],
      labels: [
        { id: 'dark', value: 1, label: 'Dark', code: code('84640000', 'Nucleus') },
        { id: 'tissue', value: 2, label: 'Tissue', code: code('85756007', 'Tissue') },
      ],
      postprocessing: [
        { step: 'stitch-tiles', of: 'mask', gives: 'found' },
        { step: 'areas', of: 'found', gives: 'area' },
      ],
      measurements: [
        {
          eachLabelOf: 'area',
          labelIs: 'finding',
          label: 'Area of {label}',
          code: code('42798000', 'Area'),
          unit: { value: 'mm2', scheme: 'UCUM', meaning: 'square millimeter' },
          decimals: 6,
        },
      ],
      segmentations: [{ of: 'found', form, description: 'What is dark' }],
      summary: 'Dark {area.dark} mm2',
      triage: [{ measurement: 'area.dark', is: 'above', threshold: 0, priority: 'LOW' }],
    },
  };
}

/** Slices with a neighbour on each side -> the mean of each of the three channels, and where the middle one is above 100. */
export function threeSlices(): ModelFiles {
  const g = new GraphBuilder('three_slices');
  const image = g.input('slices', 'float32', ['n', 3, 'h', 'w']);
  g.output('means', g.op('ReduceMean', [image], { axes: [2, 3], keepdims: 0 }), 'float32', ['n', 3]);
  const bright = g.op('Greater', [g.op('Gather', [image, g.integers([1])], { axis: 1 }), g.float(100)]);
  g.output('mask', g.op('Cast', [bright], { to: 2 }), 'uint8', ['n', 1, 'h', 'w']);
  const channels = ['before', 'here', 'behind'];
  return {
    network: g.model('Three slices at a time.', 1),
    manifest: {
      ...shared,
      title: 'Three slices',
      accepts: { instances: [{ keyword: 'Modality', oneOf: ['CT'] }] },
      input: {
        kind: 'stack',
        orientation: 'axial',
        slices: { atLeast: 4, atMost: 400 },
        sliceSpacing: { atLeast: 0.5, atMost: 10 },
        extent: { atLeast: 5 },
        batch: 4,
        neighbours: 1,
        preprocessing: [{ step: 'modality-values' }],
      },
      inputs: [{ name: 'slices', dtype: 'float32', shape: ['n', 3, 'h', 'w'] }],
      outputs: [
        { name: 'means', dtype: 'float32', shape: ['n', 3] },
        { name: 'mask', dtype: 'uint8', shape: ['n', 1, 'h', 'w'] },
      ],
      labels: [{ id: 'bright', value: 1, label: 'Bright', code: code('10200004', 'Liver') }],
      postprocessing: [
        ...channels.map((channel, index) => ({ step: 'element', of: 'means', index, gives: channel })),
        { step: 'mask', of: 'mask', gives: 'found' },
        { step: 'volumes', of: 'found', gives: 'volume' },
      ],
      measurements: [
        ...channels.map((channel) => ({
          id: channel,
          value: channel,
          label: `Mean ${channel}`,
          code: { value: channel.toUpperCase(), scheme: '99ISOCENTER', meaning: `Mean of the slice ${channel}` },
          unit: { value: "[hnsf'U]", scheme: 'UCUM', meaning: 'Hounsfield unit' },
          decimals: 3,
        })),
        {
          eachLabelOf: 'volume',
          labelIs: 'site',
          label: '{label} volume',
          code: code('118565006', 'Volume'),
          unit: { value: 'mL', scheme: 'UCUM', meaning: 'milliliter' },
          decimals: 3,
        },
      ],
      segmentations: [{ of: 'found', form: 'binary', description: 'What is bright' }],
      summary: 'Mean {here} HU',
      triage: [{ measurement: 'here', is: 'above', threshold: 1000, priority: 'LOW' }],
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
