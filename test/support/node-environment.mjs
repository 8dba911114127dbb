import { TestEnvironment } from 'jest-environment-node';

// Native modules (onnxruntime-node) build typed arrays of the outer realm; inside Jest's own realm an
// `instanceof Float32Array` on them fails. Sharing the constructors cures it.
const shared = [
  'ArrayBuffer',
  'SharedArrayBuffer',
  'DataView',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
];

export default class NodeEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of shared) if (globalThis[name]) this.global[name] = globalThis[name];
  }
}
