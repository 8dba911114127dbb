import { ModelError } from '../models/model-error.js';

type Message = 'model' | 'training' | 'function' | 'graph' | 'node' | 'attribute' | 'sparse' | 'tensor';

/** By field number, the messages of onnx.proto on the way to a tensor. */
const inner: Record<Exclude<Message, 'tensor'>, Record<number, Message>> = {
  model: { 7: 'graph', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
};
const externalData = 13;
const dataLocation = 14;
const depthMax = 64;

/**
 * Refuses a network that keeps tensors in other files (TensorProto.external_data): a path in a model could name any file of this
 * machine, and those bytes are in no digest. Walks the protobuf itself, every graph inside a graph included, and reads no weights.
 *
 * @throws ModelError 'invalid-model', also when the bytes are no protobuf.
 */
export function refuseExternalData(bytes: Uint8Array): void {
  const pending: { message: Message; start: number; end: number; depth: number }[] = [
    { message: 'model', start: 0, end: bytes.length, depth: 0 },
  ];
  let hasGraph = false;
  for (let scope = pending.pop(); scope; scope = pending.pop()) {
    if (scope.depth > depthMax) throw broken(scope.start, `graphs nest deeper than ${depthMax}`);
    for (const field of fieldsOf(bytes, scope.start, scope.end)) {
      if (scope.message === 'tensor') {
        if (field.number === externalData || (field.number === dataLocation && field.value !== 0n))
          throw new ModelError(
            'invalid-model',
            `The network keeps a tensor in another file (byte ${field.start}). Save it as one file, with all weights inside.`,
          );
        continue;
      }
      const message = inner[scope.message][field.number];
      if (message === undefined || field.value !== undefined) continue;
      if (scope.message === 'model' && message === 'graph') hasGraph = true;
      pending.push({ message, start: field.start, end: field.end, depth: scope.depth + 1 });
    }
  }
  if (!hasGraph) throw broken(0, 'there is no graph in it');
}

interface Field {
  number: number;
  /** Where the contents lie. */
  start: number;
  end: number;
  /** Of a varint field; undefined for bytes. */
  value: bigint | undefined;
}

function* fieldsOf(bytes: Uint8Array, start: number, end: number): Generator<Field> {
  let at = start;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = at < end ? bytes[at++] : undefined;
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw broken(at, 'a number is cut off');
  };

  while (at < end) {
    const key = Number(varint());
    const number = Math.floor(key / 8);
    let value: bigint | undefined;
    let from = at;
    switch (key % 8) {
      case 0:
        value = varint();
        break;
      case 1:
        at += 8;
        break;
      case 2: {
        const length = varint();
        if (length > BigInt(end - at)) throw broken(at, 'a field is longer than what holds it');
        from = at;
        at += Number(length);
        break;
      }
      case 5:
        at += 4;
        break;
      default:
        throw broken(at, 'a field of unknown kind');
    }
    if (at > end) throw broken(from, 'a field is longer than what holds it');
    yield { number, start: from, end: at, value };
  }
}

function broken(at: number, why: string): ModelError {
  return new ModelError('invalid-model', `model.onnx is no ONNX file: ${why} (byte ${at}).`);
}
