/** Bytes to text; a set of two bytes a character says so. */
export interface Decode {
  (bytes: Buffer): string;
  isTwoByte?: true;
}

/** What a defined term puts below 80 (G0) and from 80 up (G1); absent: it leaves that half alone. */
export interface CodeElement {
  g0?: Decode;
  g1?: Decode;
}

export const decodeAscii: Decode = (bytes) => bytes.toString('latin1');

function decoder(label: string): Decode {
  const textDecoder = new TextDecoder(label, { ignoreBOM: true });
  return (bytes) => textDecoder.decode(bytes);
}

/** Shift_JIS has JIS X 0201 in one byte each: romaji below 80 (5C stays the delimiter), katakana from A1 to DF. */
const jisX0201 = decoder('shift_jis');
const eucJapanese = decoder('euc-jp');

/** JIS X 0208 is EUC-JP with the high bits set. */
const jisX0208: Decode = (bytes) => eucJapanese(bytes.map((byte) => byte | 0x80) as Buffer);
jisX0208.isTwoByte = true;

/** JIS X 0212 is what EUC-JP carries behind 8F. */
const jisX0212: Decode = (bytes) => {
  const euc: number[] = [];
  for (let at = 0; at + 1 < bytes.length; at += 2) euc.push(0x8f, bytes[at]! | 0x80, bytes[at + 1]! | 0x80);
  return eucJapanese(Buffer.from(euc));
};
jisX0212.isTwoByte = true;

/** Sets of one byte a character, by the defined terms of PS3.3 table C.12-2. */
export const singleByteSets: Readonly<Record<string, Decode>> = Object.assign(Object.create(null) as object, {
  // Windows' supersets of Latin 1, Latin 5 and Thai: the same where the standard has characters.
  'ISO_IR 100': decoder('windows-1252'),
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
  'ISO_IR 13': jisX0201,
});

/** Sets without code extension (PS3.3 table C.12-5). */
export const wholeStringSets: Readonly<Record<string, Decode>> = Object.assign(Object.create(null) as object, {
  'ISO_IR 192': decoder('utf-8'),
  GB18030: decoder('gb18030'),
  GBK: decoder('gbk'),
});

/** @param name a defined term of PS3.3 tables C.12-2 to C.12-4, with or without `2022` */
export function codeElements(name: string): CodeElement | undefined {
  switch (name.replace(/^ISO 2022 IR|^ISO_IR/, 'IR')) {
    case '':
    case 'IR 6':
      return { g0: decodeAscii };
    case 'IR 13':
      return { g0: jisX0201, g1: jisX0201 };
    case 'IR 87':
      return { g0: jisX0208 };
    case 'IR 159':
      return { g0: jisX0212 };
    case 'IR 149':
      return { g1: eucKorean };
    case 'IR 58':
      return { g1: gb2312 };
  }
  const single = singleByteSets[name.replace('ISO 2022 IR', 'ISO_IR')];
  return single === undefined ? undefined : { g0: decodeAscii, g1: single };
}

const eucKorean = decoder('euc-kr');
const gb2312 = decoder('gbk');
