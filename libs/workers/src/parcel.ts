import { Deserializer, Serializer } from 'node:v8';

/** A value in two parts: what it is made of, and its large arrays, which go another way. */
export interface Parcel {
  message: Buffer;
  /** The bytes of each large array, in order. */
  arrays: Uint8Array[];
}

/** Smaller arrays stay in the message: a call to the system costs more than copying them. */
const largeBytesMin = 16 * 1024;

const kinds = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;
const bufferKind = kinds.length;
const dataViewKind = kinds.length + 1;

/** Takes a value apart, as by structuredClone. The arrays are those of the value, not copies. @throws what cannot be cloned */
export function pack(value: unknown): Parcel {
  const writer = new ParcelWriter();
  writer.writeHeader();
  writer.writeValue(value);
  return { message: writer.releaseBuffer(), arrays: writer.arrays };
}

/** The value of a parcel. Each of its large arrays has the memory of that entry of `arrays` to itself. */
export function unpack(message: Uint8Array, arrays: readonly ArrayBuffer[]): unknown {
  const reader = new ParcelReader(message, arrays);
  reader.readHeader();
  return reader.readValue();
}

class ParcelWriter extends Serializer {
  readonly arrays: Uint8Array[] = [];

  constructor() {
    super();
    (this as unknown as HostObjects)._setTreatArrayBufferViewsAsHostObjects(true);
  }

  /** Called by V8 for each view of an ArrayBuffer. */
  _writeHostObject(view: ArrayBufferView): void {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    const isLarge = bytes.length >= largeBytesMin;
    this.writeUint32(kindOf(view));
    this.writeUint32(bytes.length);
    this.writeUint32(isLarge ? 1 : 0);
    if (isLarge) this.arrays.push(bytes);
    else this.writeRawBytes(bytes);
  }
}

class ParcelReader extends Deserializer {
  private next = 0;

  constructor(
    message: Uint8Array,
    private readonly arrays: readonly ArrayBuffer[],
  ) {
    super(message);
  }

  _readHostObject(): ArrayBufferView {
    const kind = this.readUint32();
    const length = this.readUint32();
    const isLarge = this.readUint32() === 1;
    const memory = isLarge ? this.arrays[this.next++] : new Uint8Array(this.readRawBytes(length)).buffer;
    if (memory?.byteLength !== length) throw new Error('A parcel and its arrays do not belong together.');
    if (kind === bufferKind) return Buffer.from(memory);
    if (kind === dataViewKind) return new DataView(memory);
    const Kind = kinds[kind];
    if (Kind === undefined) throw new Error(`A parcel has an array of unknown kind ${kind}.`);
    return new Kind(memory);
  }
}

/** Of Serializer, what its types do not have. */
interface HostObjects {
  _setTreatArrayBufferViewsAsHostObjects(areHostObjects: boolean): void;
}

function kindOf(view: ArrayBufferView): number {
  if (Buffer.isBuffer(view)) return bufferKind;
  if (view instanceof DataView) return dataViewKind;
  return kinds.findIndex((Kind) => view instanceof Kind);
}
