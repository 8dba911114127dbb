import {
  type CodeElement,
  codeElements,
  type Decode,
  decodeAscii,
  singleByteSets,
  wholeStringSets,
} from './code-elements.js';

/** Turns the bytes of a text value into text by Specific Character Set (PS3.3 C.12.1.1.2, PS3.5 6.1). */
export interface Charset {
  /**
   * The text with its backslashes, which then stand for nothing but the delimiter of values (PS3.5 6.1.2.3): in
   * multi-byte sets a byte 5C may be half a character. U+FFFD for what cannot be decoded.
   */
  decode: Decode;
}

/** What stands where no Specific Character Set is given: ASCII, and what people put there in its place. */
export const defaultCharset: Charset = { decode: guess };

/** @param terms the values of (0008,0005), empty ones included; terms nobody knows are read as the default is */
export function charsetOf(terms: readonly string[]): Charset {
  const names = terms.map(normalize);
  const [first = ''] = names;
  if (names.length > 1 || first.startsWith('ISO 2022')) return { decode: withEscapes(names) };
  return { decode: wholeStringSets[first] ?? singleByteSets[first] ?? guess };
}

/** `ISO-IR 100`, `ISO 2022-IR-87`, `iso_ir_144` and the like are found in real objects. */
function normalize(term: string): string {
  const text = term.trim().toUpperCase();
  const iso = /^ISO[ _-]?(2022)?[ _-]?IR[ _-]?(\d+)$/.exec(text);
  if (iso !== null) return iso[1] === undefined ? `ISO_IR ${iso[2]}` : `ISO 2022 IR ${iso[2]}`;
  if (text === 'UTF-8' || text === 'UTF8') return 'ISO_IR 192';
  return text;
}

/** Bytes without a declared set: UTF-8 when they are UTF-8, else the Latin that Western devices write. */
function guess(bytes: Buffer): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return latin.decode(bytes);
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });
const latin = new TextDecoder('windows-1252');

const escape = 0x1b;

/**
 * Code extension (PS3.5 6.1.2.5, ISO 2022): escape sequences designate what bytes below 80 (G0) and from 80 up (G1) mean,
 * until another one, or a delimiter, which brings back the first set.
 */
function withEscapes(names: readonly string[]): Decode {
  const whole = names.find((name) => wholeStringSets[name] !== undefined);
  const declared = names.map((name) => codeElements(name));
  const initial: CodeElement = declared[0] ?? {};
  const initialG0 = initial.g0 ?? decodeAscii;
  // Devices leave out the escape sequence of the only multi-byte set they declare, so it is where G1 starts from.
  const initialG1 =
    initial.g1 ?? declared.find((set) => set?.g1 !== undefined)?.g1 ?? wholeStringSets[whole ?? ''] ?? guess;

  return (bytes) => {
    let g0 = initialG0;
    let g1 = initialG1;
    let text = '';
    let start = 0;
    const flush = (end: number) => {
      if (end > start) text += ((bytes[start]! & 0x80) === 0 ? g0 : g1)(bytes.subarray(start, end));
      start = end;
    };
    for (let at = 0; at < bytes.length;) {
      const byte = bytes[at]!;
      if (byte === escape) {
        flush(at);
        const designation = designationAt(bytes, at + 1);
        if (designation === undefined) {
          text += '\uFFFD';
          at += 1;
        } else {
          g0 = designation.set.g0 ?? g0;
          g1 = designation.set.g1 ?? g1;
          at += 1 + designation.length;
        }
        start = at;
        continue;
      }
      if ((byte & 0x80) !== ((bytes[start] ?? 0) & 0x80)) flush(at);
      at += 1;
      // In a two-byte set of G0 no byte is a delimiter; a single-byte set has ended here.
      if (isDelimiter(byte) && g0.isTwoByte !== true) {
        flush(at);
        g0 = initialG0;
        g1 = initialG1;
      }
    }
    flush(bytes.length);
    return text;
  };
}

/** The designation behind an escape byte (PS3.3 tables C.12-3 and C.12-4): 2 or 3 bytes. */
function designationAt(bytes: Buffer, at: number): { set: CodeElement; length: number } | undefined {
  for (const length of [3, 2]) {
    const set = designations[bytes.toString('latin1', at, at + length)];
    if (set !== undefined) return { set, length };
  }
  return undefined;
}

const designation = (name: string, half: 'g0' | 'g1'): CodeElement => {
  const decode = codeElements(name)?.[half];
  return decode === undefined ? {} : { [half]: decode };
};

const designations: Readonly<Record<string, CodeElement>> = Object.assign(Object.create(null) as object, {
  '(B': { g0: decodeAscii },
  '(J': designation('ISO 2022 IR 13', 'g0'),
  ')I': designation('ISO 2022 IR 13', 'g1'),
  '-A': designation('ISO 2022 IR 100', 'g1'),
  '-B': designation('ISO 2022 IR 101', 'g1'),
  '-C': designation('ISO 2022 IR 109', 'g1'),
  '-D': designation('ISO 2022 IR 110', 'g1'),
  '-L': designation('ISO 2022 IR 144', 'g1'),
  '-G': designation('ISO 2022 IR 127', 'g1'),
  '-F': designation('ISO 2022 IR 126', 'g1'),
  '-H': designation('ISO 2022 IR 138', 'g1'),
  '-M': designation('ISO 2022 IR 148', 'g1'),
  '-T': designation('ISO 2022 IR 166', 'g1'),
  '-b': designation('ISO 2022 IR 203', 'g1'),
  $B: designation('ISO 2022 IR 87', 'g0'),
  '$(D': designation('ISO 2022 IR 159', 'g0'),
  '$)C': designation('ISO 2022 IR 149', 'g1'),
  '$)A': designation('ISO 2022 IR 58', 'g1'),
});

/** Ends of values, lines and pages, and the delimiters in a person name, which are harmless elsewhere. */
function isDelimiter(byte: number): boolean {
  return byte === 0x5c || byte === 0x5e || byte === 0x3d || (byte >= 0x09 && byte <= 0x0d && byte !== 0x0b);
}
