import { ModelError } from './model-error.js';

type Message = keyof typeof inner | 'tensor' | 'opset' | 'value';

/** By field number, the messages of onnx.proto that are looked into. */
const inner = {
  model: { 7: 'graph', 8: 'opset', 20: 'training', 25: 'function' },
  training: { 1: 'graph', 2: 'graph' },
  function: { 7: 'node', 9: 'opset', 11: 'attribute' },
  graph: { 1: 'node', 5: 'tensor', 11: 'value', 12: 'value', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
} as const satisfies Record<string, Record<number, string>>;
const externalData = 13;
const dataLocation = 14;
const depthMax = 64;
/** Of files that were had from a repository by another way than its own. */
const pointerStart = 'version https://git-lfs';

/** Operators that onnxruntime brings; any other domain needs a library that is not here. */
const knownDomains = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft']);
const opsetRange = { atLeast: 7, atMost: 26 };
const irVersionMax = 13;

/** TensorProto.DataType. */
const elementTypes: Record<number, string> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
  16: 'bfloat16',
};

export interface NetworkTensor {
  name: string;
  dtype: string;
  /** A number is fixed, a word or '?' free; undefined where the file does not say. */
  shape: (number | string)[] | undefined;
}

/** What model.onnx says of itself, without its weights. */
export interface Network {
  irVersion: number;
  /** Of the operators of ONNX itself. */
  opset: number;
  /** Without those that only have an initial value of their own. */
  inputs: NetworkTensor[];
  outputs: NetworkTensor[];
}

/**
 * Reads the structure of a network and refuses what this suite does not run: tensors kept in other files (TensorProto.external_data:
 * a path in a model could name any file of this machine, and those bytes are in no digest), operators of unknown domains (they
 * need a library), opsets it does not know. Walks the protobuf itself, every graph inside a graph included, and reads no weights.
 *
 * @throws ModelError 'invalid-model', also when the bytes are no protobuf.
 */
export function readNetwork(bytes: Uint8Array): Network {
  if (Buffer.from(bytes.subarray(0, pointerStart.length)).toString() === pointerStart)
    throw new ModelError(
      'invalid-model',
      'This is what Git LFS keeps in place of the network, not the network: fetch it (git lfs pull), and take the file then.',
    );
  const pending: { message: Message; start: number; end: number; depth: number }[] = [
    { message: 'model', start: 0, end: bytes.length, depth: 0 },
  ];
  const text = (field: Field) => new TextDecoder().decode(bytes.subarray(field.start, field.end));
  let irVersion = 0;
  let graph: Field | undefined;
  const opsets = new Map<string, number>();
  const domains = new Map<string, string>();
  const functionDomains = new Set<string>();

  for (let scope = pending.pop(); scope; scope = pending.pop()) {
    if (scope.depth > depthMax) throw broken(scope.start, `graphs nest deeper than ${depthMax}`);
    if (scope.message === 'value') continue;
    let [domain, operator, version] = ['', '', 0];
    for (const field of fieldsOf(bytes, scope.start, scope.end)) {
      if (scope.message === 'tensor') {
        if (field.number === externalData || (field.number === dataLocation && field.value !== 0n))
          throw outside([...fieldsOf(bytes, scope.start, scope.end)], bytes, text);
        continue;
      }
      if (scope.message === 'opset') {
        if (field.number === 1) domain = text(field);
        if (field.number === 2) version = Number(field.value);
        continue;
      }
      if (scope.message === 'model' && field.number === 1) irVersion = Number(field.value);
      if (scope.message === 'node' && field.number === 4) operator = text(field);
      if (scope.message === 'node' && field.number === 7) domain = text(field);
      if (scope.message === 'function' && field.number === 10) functionDomains.add(text(field));
      const message = (inner[scope.message] as Record<number, Message>)[field.number];
      if (message === undefined || field.value !== undefined) continue;
      if (scope.message === 'model' && message === 'graph') graph = field;
      pending.push({ message, start: field.start, end: field.end, depth: scope.depth + 1 });
    }
    if (scope.message === 'opset') opsets.set(domain, version);
    if (scope.message === 'node') domains.set(domain, operator);
  }
  if (!graph) throw broken(0, 'there is no graph in it');

  for (const [domain, operator] of domains) {
    if (!knownDomains.has(domain) && !functionDomains.has(domain))
      throw new ModelError(
        'invalid-model',
        `The network uses the operator ${operator} of the domain "${domain.slice(0, 80)}", which needs a library that is not here. Known are ONNX's own operators, ${[...knownDomains].slice(1).join(', ')}.`,
      );
  }
  const opset = opsets.get('') ?? opsets.get('ai.onnx') ?? 0;
  if (opset < opsetRange.atLeast || opset > opsetRange.atMost)
    throw new ModelError(
      'invalid-model',
      `The network is of opset ${opset}; ${opsetRange.atLeast} to ${opsetRange.atMost} are taken. Export it again, for example with opset_version=17.`,
    );
  if (irVersion > irVersionMax)
    throw new ModelError(
      'invalid-model',
      `The network is of IR version ${irVersion}; at most ${irVersionMax} is taken.`,
    );
  return { irVersion, opset, ...tensorsOf(bytes, graph, text) };
}

/** @param tensor fields of a TensorProto: 8 is its name, external_data the file's among others */
function outside(tensor: Field[], bytes: Uint8Array, text: (field: Field) => string): ModelError {
  const quoted = (field: Field | undefined) => field && JSON.stringify(text(field).slice(0, 80));
  const name = quoted(tensor.find(({ number }) => number === 8));
  const entries = tensor
    .filter(({ number, value }) => number === externalData && value === undefined)
    .map((entry) => [...fieldsOf(bytes, entry.start, entry.end)]);
  const location = entries.find(([key]) => key && text(key) === 'location');
  const file = quoted(location?.find(({ number }) => number === 2));
  return new ModelError(
    'invalid-model',
    `The network keeps a tensor${name ? ` (${name})` : ''} in another file${file ? ` (${file})` : ''}. ${oneFile}`,
  );
}

/** For messages: what makes one file of a network whose weights lie beside it. */
export const oneFile =
  'Save it as one file, with all weights inside: onnx.save(onnx.load("model.onnx"), "whole.onnx"), or external_data=False in torch.onnx.export.';

function tensorsOf(
  bytes: Uint8Array,
  graph: Field,
  text: (field: Field) => string,
): Pick<Network, 'inputs' | 'outputs'> {
  const inputs: NetworkTensor[] = [];
  const outputs: NetworkTensor[] = [];
  const initial = new Set<string>();
  for (const field of fieldsOf(bytes, graph.start, graph.end)) {
    if (field.number === 11) inputs.push(readValue(bytes, field, text));
    if (field.number === 12) outputs.push(readValue(bytes, field, text));
    if (field.number === 5)
      for (const inside of fieldsOf(bytes, field.start, field.end)) if (inside.number === 8) initial.add(text(inside));
  }
  return { inputs: inputs.filter(({ name }) => !initial.has(name)), outputs };
}

/** ValueInfoProto: name, and of its type the element type and shape. */
function readValue(bytes: Uint8Array, value: Field, text: (field: Field) => string): NetworkTensor {
  const tensor: NetworkTensor = { name: '', dtype: 'unknown', shape: undefined };
  for (const field of fieldsOf(bytes, value.start, value.end)) {
    if (field.number === 1) tensor.name = text(field);
    if (field.number !== 2) continue;
    for (const type of fieldsOf(bytes, field.start, field.end)) {
      if (type.number !== 1) continue;
      for (const part of fieldsOf(bytes, type.start, type.end)) {
        if (part.number === 1) tensor.dtype = elementTypes[Number(part.value)] ?? `type ${part.value}`;
        if (part.number !== 2 || part.value !== undefined) continue;
        tensor.shape = [];
        for (const dimension of fieldsOf(bytes, part.start, part.end)) {
          let size: number | string = '?';
          for (const said of fieldsOf(bytes, dimension.start, dimension.end)) {
            if (said.number === 1) size = Number(said.value);
            if (said.number === 2) size = text(said);
          }
          tensor.shape.push(size);
        }
      }
    }
  }
  return tensor;
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
  return new ModelError('invalid-model', `This is no ONNX file, or not all of one: ${why} (byte ${at}).`);
}
