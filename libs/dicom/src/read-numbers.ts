type Read = (bytes: Buffer, at: number, bigEndian: boolean) => number | string;

interface NumberFormat {
  size: number;
  read: Read;
}

const formats: Readonly<Record<string, NumberFormat>> = {
  US: { size: 2, read: (b, at, be) => (be ? b.readUInt16BE(at) : b.readUInt16LE(at)) },
  SS: { size: 2, read: (b, at, be) => (be ? b.readInt16BE(at) : b.readInt16LE(at)) },
  UL: { size: 4, read: (b, at, be) => (be ? b.readUInt32BE(at) : b.readUInt32LE(at)) },
  SL: { size: 4, read: (b, at, be) => (be ? b.readInt32BE(at) : b.readInt32LE(at)) },
  FL: { size: 4, read: (b, at, be) => float32(be ? b.readFloatBE(at) : b.readFloatLE(at)) },
  FD: { size: 8, read: (b, at, be) => finite(be ? b.readDoubleBE(at) : b.readDoubleLE(at)) },
  UV: { size: 8, read: (b, at, be) => safe(be ? b.readBigUInt64BE(at) : b.readBigUInt64LE(at)) },
  SV: { size: 8, read: (b, at, be) => safe(be ? b.readBigInt64BE(at) : b.readBigInt64LE(at)) },
  AT: { size: 4, read: (b, at, be) => (be ? hex(b.readUInt32BE(at)) : hexHalves(b, at)) },
};

/** Bytes of one number of this VR; undefined for VRs without numbers. */
export const numberBytes = (vr: string): number | undefined => formats[vr]?.size;

/**
 * The numbers of a value: AT as `GGGGEEEE`, 64-bit integers that no double holds as text, what JSON has no number for as
 * `NaN`, `Infinity` and `-Infinity`. An incomplete last number is left out.
 */
export function readNumbers(vr: string, bytes: Buffer, bigEndian: boolean): (number | string)[] {
  const format = formats[vr];
  if (format === undefined) throw new Error(`VR ${vr} has no numbers`);
  const { size, read } = format;
  const values: (number | string)[] = [];
  for (let at = 0; at + size <= bytes.length; at += size) values.push(read(bytes, at, bigEndian));
  return values;
}

/** A float32 as the shortest decimal that is the same float32: 0.1 and not 0.10000000149011612. */
function float32(value: number): number | string {
  if (Number.isInteger(value) || !Number.isFinite(value)) return finite(value);
  for (const digits of [7, 8]) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

const finite = (value: number) => (Number.isFinite(value) ? value : String(value));
const safe = (value: bigint) =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, '0');
const hexHalves = (b: Buffer, at: number) => hex(((b.readUInt16LE(at) << 16) | b.readUInt16LE(at + 2)) >>> 0);
