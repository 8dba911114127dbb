import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;
type Attributes = Record<string, number | number[] | string | Float>;
type Dimension = number | string;
export type ElementType = 'float32' | 'uint8' | 'int64' | 'bool';

/** A value in a graph: what an operator gave, an input or a constant. */
export interface Edge {
  readonly name: string;
}

/** An attribute that ONNX wants as a float even where the number is whole. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

const elementTypes: Record<ElementType, number> = {
  float32: onnx.TensorProto.DataType.FLOAT,
  uint8: onnx.TensorProto.DataType.UINT8,
  int64: onnx.TensorProto.DataType.INT64,
  bool: onnx.TensorProto.DataType.BOOL,
};

/**
 * Writes an ONNX graph operator by operator. Names are given by counting, and nothing reads a clock or a random number, so the
 * same program writes the same bytes. A graph inside a graph (the body of a Loop) sees the edges of the outer one.
 */
export class GraphBuilder {
  private readonly graphName: string;
  private readonly prefix: string;
  private readonly nodes: ReturnType<typeof onnx.NodeProto.create>[] = [];
  private readonly constants: ReturnType<typeof onnx.TensorProto.create>[] = [];
  private readonly constantNames = new Map<string, Edge>();
  private readonly inputs: ReturnType<typeof onnx.ValueInfoProto.create>[] = [];
  private readonly outputs: ReturnType<typeof onnx.ValueInfoProto.create>[] = [];
  private loops = 0;

  constructor(graphName: string, prefix = '') {
    this.graphName = graphName;
    this.prefix = prefix;
  }

  input(name: string, type: ElementType, shape: Dimension[]): Edge {
    this.inputs.push(describeValue(this.prefix + name, type, shape));
    return { name: this.prefix + name };
  }

  output(name: string, edge: Edge, type: ElementType, shape: Dimension[]): void {
    const outputName = this.prefix + name;
    this.nodes.push(
      onnx.NodeProto.create({
        opType: 'Identity',
        name: `${outputName}_out`,
        input: [edge.name],
        output: [outputName],
      }),
    );
    this.outputs.push(describeValue(outputName, type, shape));
  }

  /** One operator of the default domain with one output. */
  op(opType: string, inputs: (Edge | undefined)[], attributes: Attributes = {}): Edge {
    const edge = { name: `${this.prefix}${opType.toLowerCase()}_${this.nodes.length}` };
    this.nodes.push(
      onnx.NodeProto.create({
        opType,
        name: edge.name,
        input: inputs.map((input) => input?.name ?? ''),
        output: [edge.name],
        attribute: Object.entries(attributes).map(([name, value]) => describeAttribute(name, value)),
      }),
    );
    return edge;
  }

  floats(values: number[], shape: number[] = [values.length]): Edge {
    const data = new DataView(new ArrayBuffer(values.length * 4));
    values.forEach((value, index) => data.setFloat32(index * 4, value, true));
    return this.constant('float32', shape, new Uint8Array(data.buffer));
  }

  float(value: number): Edge {
    return this.floats([value], []);
  }

  integers(values: number[], shape: number[] = [values.length]): Edge {
    const data = new DataView(new ArrayBuffer(values.length * 8));
    values.forEach((value, index) => data.setBigInt64(index * 8, BigInt(value), true));
    return this.constant('int64', shape, new Uint8Array(data.buffer));
  }

  /**
   * Repeats `step` on one state until it says it changed nothing, at most `iterationsMax` times.
   * `step` gets the builder of the body and the state, and gives the new state and a bool scalar: go on?
   */
  loop(
    initial: Edge,
    iterationsMax: number,
    step: (body: GraphBuilder, state: Edge) => { state: Edge; goOn: Edge },
  ): Edge {
    const id = `${this.prefix}loop${this.loops++}`;
    const body = new GraphBuilder(id, `${id}_`);
    body.input('iteration', 'int64', []);
    body.input('condition', 'bool', []);
    const next = step(body, body.input('state', 'float32', ['n', 'c', 'h', 'w']));
    body.output('again', next.goOn, 'bool', []);
    body.output('next', next.state, 'float32', ['n', 'c', 'h', 'w']);

    const edge = { name: `${id}_result` };
    const limit = this.integers([iterationsMax], []);
    this.nodes.push(
      onnx.NodeProto.create({
        opType: 'Loop',
        name: id,
        input: [limit.name, '', initial.name],
        output: [edge.name],
        attribute: [{ name: 'body', type: onnx.AttributeProto.AttributeType.GRAPH, g: body.graph() }],
      }),
    );
    return edge;
  }

  /** The whole model as the bytes of model.onnx. */
  model(description: string, version: number): Uint8Array {
    return onnx.ModelProto.encode(
      onnx.ModelProto.create({
        irVersion: 8,
        opsetImport: [{ domain: '', version: 17 }],
        producerName: 'isocenter',
        docString: description,
        modelVersion: version,
        graph: this.graph(),
      }),
    ).finish();
  }

  private graph() {
    return onnx.GraphProto.create({
      name: this.graphName,
      node: this.nodes,
      initializer: this.constants,
      input: this.inputs,
      output: this.outputs,
    });
  }

  /** @param rawData little endian */
  constant(type: ElementType, shape: number[], rawData: Uint8Array): Edge {
    const key = `${type}:${shape.join('x')}:${Buffer.from(rawData).toString('base64')}`;
    const known = this.constantNames.get(key);
    if (known) return known;
    const edge = { name: `${this.prefix}constant_${this.constants.length}` };
    this.constants.push(
      onnx.TensorProto.create({ name: edge.name, dataType: elementTypes[type], dims: shape, rawData }),
    );
    this.constantNames.set(key, edge);
    return edge;
  }
}

function describeValue(name: string, type: ElementType, shape: Dimension[]) {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return onnx.ValueInfoProto.create({ name, type: { tensorType: { elemType: elementTypes[type], shape: { dim } } } });
}

function describeAttribute(name: string, value: Attributes[string]) {
  const types = onnx.AttributeProto.AttributeType;
  if (value instanceof Float) return { name, type: types.FLOAT, f: value.value };
  if (typeof value === 'string') return { name, type: types.STRING, s: new TextEncoder().encode(value) };
  if (typeof value === 'number') return { name, type: types.INT, i: value };
  return { name, type: types.INTS, ints: value };
}
