import { tagEntry, type TagEntry } from './dictionary.js';

/** How the elements around a position are written (PS3.5 7.1, 7.3). */
export interface Encoding {
  implicit: boolean;
  bigEndian: boolean;
}

export const undefinedLength = 0xffffffff;

const shortVrs = 'AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US'.split(' ');
const longVrs = 'OB OD OF OL OV OW SQ SV UC UN UR UT UV'.split(' ');

const vrByCode = new Map<number, { vr: string; isLong: boolean }>([
  ...shortVrs.map((vr) => [vrCode(vr), { vr, isLong: false }] as const),
  ...longVrs.map((vr) => [vrCode(vr), { vr, isLong: true }] as const),
]);

/** VRs of explicit syntaxes by whether their length field has 4 bytes (PS3.5 7.1.2). */
export const hasLongLength = (vr: string): boolean => longVrs.includes(vr);

export interface ElementHeader {
  entry: TagEntry;
  /** Empty for items and delimiters; `xs` (US or SS) where only Pixel Representation tells. */
  vr: string;
  /** Of the header: 8 or 12. */
  bytes: number;
  length: number;
  /** The value is written in this way; differs from what is around it for VR UN (PS3.5 6.2.2). */
  encoding: Encoding;
}

const implicitLittleEndian: Encoding = { implicit: true, bigEndian: false };

/**
 * Reads the header at `at`. Needs 8 bytes there, and 12 for VRs with a long length.
 * @returns the header; the number of bytes it needs when there are too few; undefined when no VR stands where one should
 */
export function readElementHeader(bytes: Buffer, at: number, encoding: Encoding): ElementHeader | number | undefined {
  const { bigEndian } = encoding;
  const entry = tagEntry(read32(bytes, at, bigEndian, true));
  if (entry.group === 0xfffe) {
    return { entry, vr: '', bytes: 8, length: read32(bytes, at + 4, bigEndian), encoding };
  }
  if (encoding.implicit) {
    return { entry, vr: entry.vr, bytes: 8, length: read32(bytes, at + 4, bigEndian), encoding };
  }
  const first = bytes[at + 4]!;
  const second = bytes[at + 5]!;
  const known = vrByCode.get((first << 8) | second);
  if (known !== undefined && !known.isLong) {
    const length = bigEndian ? (bytes[at + 6]! << 8) | bytes[at + 7]! : bytes[at + 6]! | (bytes[at + 7]! << 8);
    return { entry, vr: known.vr, bytes: 8, length, encoding };
  }
  if (known === undefined && !(isCapital(first) && isCapital(second))) return undefined;
  // VRs to come will have a long length behind two zeros (PS3.5 7.1.2); what has no zeros there is a short length.
  const short = bigEndian ? (bytes[at + 6]! << 8) | bytes[at + 7]! : bytes[at + 6]! | (bytes[at + 7]! << 8);
  if (known === undefined && short !== 0) return { entry, vr: 'UN', bytes: 8, length: short, encoding };
  if (bytes.length - at < 12) return 12;
  const length = read32(bytes, at + 8, bigEndian);
  const vr = known?.vr ?? 'UN';
  if (vr !== 'UN') return { entry, vr, bytes: 12, length, encoding };
  // UN of undefined length is a sequence in implicit little endian, whatever is around it. A public element that
  // somebody without a dictionary stored as UN has the dictionary's VR, its value as it was in implicit little endian.
  const isReadable = known !== undefined && (length === undefinedLength || (!entry.isPrivate && entry.vr !== 'UN'));
  return isReadable
    ? { entry, vr: entry.vr, bytes: 12, length, encoding: implicitLittleEndian }
    : { entry, vr, bytes: 12, length, encoding };
}

/** 32 bits without sign; for a tag the two halves are 16-bit numbers, which only differs in little endian. */
function read32(bytes: Buffer, at: number, bigEndian: boolean, isTag = false): number {
  const a = bytes[at]!;
  const b = bytes[at + 1]!;
  const c = bytes[at + 2]!;
  const d = bytes[at + 3]!;
  if (bigEndian) return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  return isTag ? ((b << 24) | (a << 16) | (d << 8) | c) >>> 0 : ((d << 24) | (c << 16) | (b << 8) | a) >>> 0;
}

function vrCode(vr: string): number {
  return (vr.charCodeAt(0) << 8) | vr.charCodeAt(1);
}

const isCapital = (byte: number) => byte >= 0x41 && byte <= 0x5a;
