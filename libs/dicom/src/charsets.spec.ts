import { describe, expect, it } from '@jest/globals';
import { charsetOf, defaultCharset } from './charsets.js';
import { DatasetBytes, instanceBytes, part10 } from './part10-builder.js';
import { readPart10 } from './read-part10.js';

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('charsetOf', () => {
  it.each([
    ['ISO_IR 100', 'e4 f6 fc', 'äöü'],
    ['ISO_IR 101', 'ae e8', 'Žč'],
    ['ISO_IR 109', 'a1 fd', 'Ħŭ'],
    ['ISO_IR 110', 'ab e0', 'Ģā'],
    ['ISO_IR 144', 'bb ee', 'Лю'],
    ['ISO_IR 127', 'e2 c8', 'قب'],
    ['ISO_IR 126', 'c4 e9', 'Δι'],
    ['ISO_IR 138', 'f9 e8', 'שט'],
    ['ISO_IR 148', 'fe dd', 'şİ'],
    ['ISO_IR 166', 'b9 d2', 'นา'],
    ['ISO_IR 203', 'a4 bd', '€œ'],
    ['ISO_IR 13', 'd4 cf de', 'ﾔﾏﾞ'],
    ['ISO_IR 192', 'e5 b1 b1', '山'],
    ['GB18030', 'd6 dc 81 30 81 30', '周\u0080'],
    ['GBK', 'da 77', '趙'],
  ])('decodes %s', (term, hex, text) => {
    expect(charsetOf([term]).decode(bytes(hex))).toBe(text);
  });

  // PS3.5 annexes H to K: the examples every implementation is measured by.
  it.each([
    [
      'Japanese: kanji and hiragana beside ASCII (H.3.1)',
      ['', 'ISO 2022 IR 87'],
      '59 61 6d 61 64 61 5e 54 61 72 6f 75 3d 1b 24 42 3b 33 45 44 1b 28 42 5e 1b 24 42 42 40 4f 3a 1b 28 42 3d 1b 24 42 24 64 24 5e 24 40 1b 28 42 5e 1b 24 42 24 3f 24 6d 24 26 1b 28 42',
      'Yamada^Tarou=山田^太郎=やまだ^たろう',
    ],
    [
      'Japanese: katakana beside kanji (H.3.2)',
      ['ISO 2022 IR 13', 'ISO 2022 IR 87'],
      'd4 cf c0 de 5e c0 db b3 3d 1b 24 42 3b 33 45 44 1b 28 4a 5e 1b 24 42 42 40 4f 3a 1b 28 4a 3d 1b 24 42 24 64 24 5e 24 40 1b 28 4a 5e 1b 24 42 24 3f 24 6d 24 26 1b 28 4a',
      'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう',
    ],
    [
      'Korean (I.2)',
      ['', 'ISO 2022 IR 149'],
      '48 6f 6e 67 5e 47 69 6c 64 6f 6e 67 3d 1b 24 29 43 fb f3 5e 1b 24 29 43 d1 ce d4 d7 3d 1b 24 29 43 c8 ab 5e 1b 24 29 43 b1 e6 b5 bf',
      'Hong^Gildong=洪^吉洞=홍^길동',
    ],
    [
      'Chinese with code extension (K.2)',
      ['', 'ISO 2022 IR 58'],
      '5a 68 61 6e 67 5e 58 69 61 6f 44 6f 6e 67 3d 1b 24 29 41 d5 c5 5e 1b 24 29 41 d0 a1 b6 ab 3d',
      'Zhang^XiaoDong=张^小东=',
    ],
    [
      'Latin and Cyrillic, Greek',
      ['ISO 2022 IR 100', 'ISO 2022 IR 144', 'ISO 2022 IR 126'],
      '44 e9 5c 1b 2d 4c bb ee 5c 1b 2d 46 c4 5c fc',
      'Dé\\Лю\\Δ\\ü',
    ],
    ['JIS X 0212', ['', 'ISO 2022 IR 87', 'ISO 2022 IR 159'], '1b 24 28 44 30 21 1b 28 42 21', '丂!'],
  ])('follows escape sequences: %s', (_name, terms, hex, text) => {
    expect(charsetOf(terms).decode(bytes(hex))).toBe(text);
  });

  it('does not take half a character for a delimiter', () => {
    // Kanji whose second byte is 5C, with G0 as two-byte set; and GB18030's 81 5C.
    expect(charsetOf(['', 'ISO 2022 IR 87']).decode(bytes('1b 24 42 30 5c 1b 28 42 5c 41'))).toBe('移\\A');
    expect(charsetOf(['GB18030']).decode(bytes('81 5c 5c 41'))).toBe('乗\\A');
  });

  it('goes back to the first set at each delimiter', () => {
    const decode = charsetOf(['ISO 2022 IR 100', 'ISO 2022 IR 144']).decode;
    for (const delimiter of ['5c', '5e', '3d', '0d', '0a', '0c', '09']) {
      const text = decode(bytes(`1b 2d 4c bb ${delimiter} e4`));
      expect(text[0]).toBe('Л');
      expect(text[2]).toBe('ä');
    }
  });

  it('keeps G1 when only G0 is designated', () => {
    expect(charsetOf(['ISO 2022 IR 13', 'ISO 2022 IR 87']).decode(bytes('1b 28 42 41 d4'))).toBe('Aﾔ');
  });

  it('reads the only multi-byte set declared even where its escape sequence is missing', () => {
    expect(charsetOf(['', 'ISO 2022 IR 149']).decode(bytes('c8 ab'))).toBe('홍');
  });

  it('shows escape sequences nobody knows as U+FFFD and reads on', () => {
    expect(charsetOf(['', 'ISO 2022 IR 87']).decode(bytes('41 1b 25 47 42'))).toBe('A\uFFFD%GB');
    expect(charsetOf(['', 'ISO 2022 IR 87']).decode(bytes('41 1b'))).toBe('A\uFFFD');
  });

  it.each(['ISO IR 144', 'ISO-IR 144', 'iso_ir_144', 'ISO_IR144', ' ISO_IR 144 '])(
    'understands %s as people write it',
    (term) => {
      expect(charsetOf([term]).decode(bytes('bb'))).toBe('Л');
    },
  );

  it.each([[['no such set']], [['']], [[]], [['toString']]])(
    'reads under %j as UTF-8 when it is, else as Latin',
    (terms) => {
      for (const charset of [charsetOf(terms), defaultCharset]) {
        expect(charset.decode(Buffer.from('Grüße', 'utf8'))).toBe('Grüße');
        expect(charset.decode(Buffer.from('Grüße', 'latin1'))).toBe('Grüße');
      }
    },
  );
});

describe('Specific Character Set in a dataset', () => {
  const build = new DatasetBytes();
  const name = (text: Buffer) => build.element('00100010', 'PN', text);
  const read = (elements: Buffer[]) => readPart10(part10(Buffer.concat([...elements, instanceBytes(build)]))).dataset;

  it('says UTF-8, which the text now is', () => {
    const dataset = read([build.element('00080005', 'CS', 'ISO_IR 144'), name(bytes('bb ee'))]);
    expect(dataset['00100010']).toEqual({ vr: 'PN', Value: [{ Alphabetic: 'Лю' }] });
    expect(dataset['00080005']).toEqual({ vr: 'CS', Value: ['ISO_IR 192'] });
  });

  it('is added where it was missing and text is not ASCII', () => {
    const latin = read([name(Buffer.from('Grüße ', 'latin1'))]);
    expect(latin['00080005']).toEqual({ vr: 'CS', Value: ['ISO_IR 192'] });
    expect(latin['00100010']?.Value).toEqual([{ Alphabetic: 'Grüße' }]);
    expect(Object.keys(latin)[0]).toBe('00080005');
    const empty = read([build.element('00080005', 'CS'), name(Buffer.from('Grüße ', 'latin1'))]);
    expect(empty['00080005']).toEqual({ vr: 'CS', Value: ['ISO_IR 192'] });
    expect(read([name(Buffer.from('Smith '))])['00080005']).toBeUndefined();
  });

  it('holds in items, unless they have their own', () => {
    const item = (...elements: Buffer[]) =>
      Buffer.concat([...elements, build.element('00080104', 'LO', bytes('bb ee'))]);
    const dataset = read([
      build.element('00080005', 'CS', 'ISO_IR 144'),
      build.sequence('00081032', [item(), item(build.element('00080005', 'CS', 'ISO_IR 126')), item()]),
    ]);
    const items = dataset['00081032']?.Value as Record<string, { Value: string[] }>[];
    expect(items.map((entry) => entry['00080104']?.Value[0])).toEqual(['Лю', '»ξ', 'Лю']);
  });

  it('is not asked about VRs that are always ASCII', () => {
    const dataset = read([
      build.element('00080005', 'CS', 'ISO_IR 144'),
      build.element('00080060', 'CS', bytes('43 54')),
    ]);
    expect(dataset['00080060']?.Value).toEqual(['CT']);
  });
});
