import onnxProto from 'onnx-proto';
import { describe, expect, it } from '@jest/globals';
import { builtModels } from '../../../../scripts/models/built-models.js';
import { readNetwork } from './read-network.js';

const { onnx } = onnxProto;
const opsetImport = [{ domain: '', version: 17 }];
const external = {
  name: 'w',
  dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
  externalData: [{ key: 'location', value: '../../etc/passwd' }],
};
const encode = (graph: object) =>
  onnx.ModelProto.encode(onnx.ModelProto.fromObject({ irVersion: 8, opsetImport, graph })).finish();

const cellularity = Object.keys(builtModels).find((folder) => folder.includes('he-cellularity'))!;

describe('readNetwork', () => {
  it.each(Object.keys(builtModels))('lets %s pass', (folder) => {
    expect(() => readNetwork(builtModels[folder]!())).not.toThrow();
  });

  it.each<[string, object]>([
    ['an initializer', { initializer: [external] }],
    ['an initializer that only names a file', { initializer: [{ name: 'w', externalData: external.externalData }] }],
    ['a constant', { node: [{ opType: 'Constant', attribute: [{ name: 'value', type: 4, t: external }] }] }],
    ['a list of tensors', { node: [{ attribute: [{ name: 'values', type: 9, tensors: [external] }] }] }],
    ['a sparse initializer', { sparseInitializer: [{ values: external }] }],
    [
      'the body of a loop',
      {
        node: [
          {
            opType: 'Loop',
            attribute: [
              {
                name: 'body',
                type: 5,
                g: { node: [{ attribute: [{ name: 'b', type: 5, g: { initializer: [external] } }] }] },
              },
            ],
          },
        ],
      },
    ],
  ])('refuses %s in another file', (_, graph) => {
    expect(() => readNetwork(encode(graph))).toThrow(/keeps a tensor \("w"\) in another file/);
  });

  it('refuses a function body and training graphs with such a tensor', () => {
    const model = {
      irVersion: 8,
      graph: {},
      functions: [{ node: [{ attribute: [{ name: 'value', type: 4, t: external }] }] }],
    };
    expect(() => readNetwork(onnx.ModelProto.encode(onnx.ModelProto.fromObject(model)).finish())).toThrow(
      /another file/,
    );
    const training = { irVersion: 8, graph: {}, trainingInfo: [{ algorithm: { initializer: [external] } }] };
    expect(() => readNetwork(onnx.ModelProto.encode(onnx.ModelProto.fromObject(training)).finish())).toThrow(
      /another file/,
    );
  });

  it('names the tensor and the file it is in, and says how one file is made of both', () => {
    const tensor = { ...external, name: 'conv1.weight', externalData: [{ key: 'location', value: 'model.onnx.data' }] };
    expect(() => readNetwork(encode({ initializer: [tensor] }))).toThrow(
      /\("conv1\.weight"\) in another file \("model\.onnx\.data"\)\. Save it as one file.*onnx\.save\(onnx\.load/,
    );
  });

  it('knows what Git LFS leaves in place of a network', () => {
    const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 388522\n';
    expect(() => readNetwork(Buffer.from(pointer))).toThrow(/git lfs pull/);
  });

  it('refuses bytes that are no network, wherever they are cut', () => {
    const bytes = builtModels[cellularity]!();
    expect(() => readNetwork(new Uint8Array())).toThrow(/there is no graph in it/);
    expect(() => readNetwork(Buffer.from('GIF89a, not a network'))).toThrow(/no ONNX file/);
    for (let length = 60; length < bytes.length; length += 97)
      expect(() => readNetwork(bytes.subarray(0, length))).toThrow(/no ONNX file/);
  });

  it('refuses operators that need a library, and opsets it does not know', () => {
    const node = { opType: 'MyLayer', domain: 'com.example', name: 'n', input: [], output: ['y'] };
    expect(() => readNetwork(encode({ node: [node] }))).toThrow(/operator MyLayer of the domain "com.example"/);
    const old = { irVersion: 3, opsetImport: [{ domain: '', version: 3 }], graph: {} };
    expect(() => readNetwork(onnx.ModelProto.encode(onnx.ModelProto.fromObject(old)).finish())).toThrow(/opset 3;/);
  });

  it('tells inputs, outputs, their types and shapes', () => {
    expect(readNetwork(builtModels[cellularity]!())).toEqual({
      irVersion: 8,
      opset: 17,
      inputs: [{ name: 'rgb', dtype: 'float32', shape: ['batch', 3, 'rows', 'columns'] }],
      outputs: ['tissue', 'haematoxylin', 'positive'].map((name) => ({ name, dtype: 'float32', shape: ['batch'] })),
    });
  });

  it('refuses graphs nested without end', () => {
    let graph: object = {};
    for (let depth = 0; depth < 40; depth++) graph = { node: [{ attribute: [{ name: 'g', type: 5, g: graph }] }] };
    expect(() => readNetwork(encode(graph))).toThrow(/nest deeper/);
  });
});
