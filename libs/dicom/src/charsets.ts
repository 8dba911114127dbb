/** Turns bytes into text by Specific Character Set (0008,0005), PS3.3 C.12.1.1.2 and PS3.5 6.1. */
export interface Charset {
  decode(bytes: Buffer): string;
  /** Splits a multi-valued text at its backslashes: before decoding where a byte 5C is not always one. */
  split(bytes: Buffer): string[];
}

// ISO 8859-1 and ASCII bytes are code points; TextDecoder would take them for windows-1252.
const latin1 = (bytes: Buffer) => bytes.toString('latin1');
const decoder = (label: string) => {
  const textDecoder = new TextDecoder(label);
  return (bytes: Buffer) => textDecoder.decode(bytes);
};

const singleByte: Record<string, (bytes: Buffer) => string> = {
  'ISO_IR 6': latin1,
  'ISO_IR 100': latin1,
  'ISO_IR 101': decoder('iso-8859-2'),
  'ISO_IR 109': decoder('iso-8859-3'),
  'ISO_IR 110': decoder('iso-8859-4'),
  'ISO_IR 144': decoder('iso-8859-5'),
  'ISO_IR 127': decoder('iso-8859-6'),
  'ISO_IR 126': decoder('iso-8859-7'),
  'ISO_IR 138': decoder('iso-8859-8'),
  'ISO_IR 148': decoder('windows-1254'),
  'ISO_IR 166': decoder('windows-874'),
  'ISO_IR 203': decoder('iso-8859-15'),
  'ISO_IR 13': decoder('shift_jis'),
};
const multiByte: Record<string, (bytes: Buffer) => string> = {
  'ISO_IR 192': decoder('utf-8'),
  GB18030: decoder('gb18030'),
  GBK: decoder('gbk'),
};

/** What an escape sequence designates (PS3.3 tables C.12-3 and C.12-4), by its bytes after ESC. */
const designations: Record<string, (bytes: Buffer) => string> = {
  '(B': latin1,
  '-A': latin1,
  '-B': singleByte['ISO_IR 101']!,
  '-C': singleByte['ISO_IR 109']!,
  '-D': singleByte['ISO_IR 110']!,
  '-L': singleByte['ISO_IR 144']!,
  '-G': singleByte['ISO_IR 127']!,
  '-F': singleByte['ISO_IR 126']!,
  '-H': singleByte['ISO_IR 138']!,
  '-M': singleByte['ISO_IR 148']!,
  '-T': singleByte['ISO_IR 166']!,
  '-b': singleByte['ISO_IR 203']!,
  ')I': singleByte['ISO_IR 13']!,
  '(J': singleByte['ISO_IR 13']!,
  '$)C': decoder('euc-kr'),
  '$)A': decoder('gbk'),
  $B: (bytes) => japanese('$B', bytes),
  '$(D': (bytes) => japaneseSupplement(bytes),
};

const iso2022Japanese = decoder('iso-2022-jp');
const eucJapanese = decoder('euc-jp');
const japanese = (escape: string, bytes: Buffer) =>
  iso2022Japanese(Buffer.concat([Buffer.from(`\x1b${escape}`, 'latin1'), bytes]));
/** JIS X 0212 is what EUC-JP carries behind 8F with the high bits set. */
const japaneseSupplement = (bytes: Buffer) => {
  const euc: number[] = [];
  for (let i = 0; i + 1 < bytes.length; i += 2) euc.push(0x8f, bytes[i]! | 0x80, bytes[i + 1]! | 0x80);
  return eucJapanese(Buffer.from(euc));
};

const splitBytes = (bytes: Buffer): Buffer[] => {
  const parts: Buffer[] = [];
  let start = 0;
  for (let at = bytes.indexOf(0x5c); at >= 0; at = bytes.indexOf(0x5c, start)) {
    parts.push(bytes.subarray(start, at));
    start = at + 1;
  }
  parts.push(bytes.subarray(start));
  return parts;
};

export const defaultCharset: Charset = { decode: latin1, split: (bytes) => bytes.toString('latin1').split('\\') };

/** @param terms values of (0008,0005); unknown ones are read as UTF-8 where the bytes are UTF-8, else as Latin 1 */
export function charsetOf(terms: string[]): Charset {
  const names = terms.map((term) =>
    term
      .trim()
      .toUpperCase()
      .replace(/^ISO[ -]IR /, 'ISO_IR ')
      .replace(/^ISO_2022/, 'ISO 2022'),
  );
  if (names.some((name) => name.startsWith('ISO 2022')) || names.length > 1) return withEscapes(names[0] ?? '');
  const name = names[0] ?? '';
  if (name === '') return defaultCharset;
  const single = singleByte[name];
  if (single !== undefined) return { decode: single, split: (bytes) => splitBytes(bytes).map(single) };
  const decode = multiByte[name] ?? guess;
  return { decode, split: (bytes) => decode(bytes).split('\\') };
}

/** Without escapes a text is in the first character set; each delimiter brings it back (PS3.5 6.1.2.5.3). */
function withEscapes(first: string): Charset {
  const initial = singleByte[first.replace('ISO 2022 IR', 'ISO_IR')] ?? multiByte[first] ?? latin1;
  const decode = (bytes: Buffer): string => {
    if (!bytes.includes(0x1b)) return initial(bytes);
    let text = '';
    let current = initial;
    for (let at = 0; at < bytes.length;) {
      const escape = bytes[at] === 0x1b ? designationAt(bytes, at) : undefined;
      if (escape !== undefined) {
        current = designations[escape]!;
        at += 1 + escape.length;
        continue;
      }
      const next = bytes.indexOf(0x1b, at + 1);
      const end = next < 0 ? bytes.length : next;
      const segment = bytes.subarray(at, end);
      const delimiter = current === initial || isTwoByte(current) ? -1 : segment.findIndex(isDelimiter);
      if (delimiter >= 0) {
        text += current(segment.subarray(0, delimiter)) + initial(segment.subarray(delimiter));
        current = initial;
      } else {
        text += current(segment);
      }
      at = end;
    }
    return text;
  };
  return { decode, split: (bytes) => decode(bytes).split('\\') };
}

function designationAt(bytes: Buffer, at: number): string | undefined {
  for (const length of [2, 3]) {
    const escape = bytes.toString('latin1', at + 1, at + 1 + length);
    if (Object.hasOwn(designations, escape)) return escape;
  }
  return undefined;
}

/** In the 94x94 sets of G0 every byte is half a character: no delimiter hides in them. */
const isTwoByte = (decode: (bytes: Buffer) => string) =>
  decode === designations['$B'] || decode === designations['$(D'];
const isDelimiter = (byte: number) => byte === 0x5c || byte === 0x5e || byte === 0x3d || byte === 0x0d || byte === 0x0a;

function guess(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return latin1(bytes);
  }
}
