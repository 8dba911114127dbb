import { describe, expect, it } from '@jest/globals';
import { defaultCharset } from './charsets.js';
import { elementValue } from './element-value.js';

const text = (vr: string, value: string) => elementValue(vr, Buffer.from(value, 'latin1'), defaultCharset, false);
const binary = (vr: string, hex: string, bigEndian = false) =>
  elementValue(vr, Buffer.from(hex.replaceAll(' ', ''), 'hex'), defaultCharset, bigEndian);

describe('elementValue', () => {
  it.each(['LO', 'PN', 'DS', 'US', 'OB', 'UN', 'SQ', 'UI', 'AT', 'FD'])(
    'has nothing but the VR for an empty %s',
    (vr) => {
      expect(text(vr, '')).toEqual({ vr });
    },
  );

  it.each([
    ['LO', '  '],
    ['UI', '\0\0'],
    ['PN', ' = = '],
    ['DS', ' \\ '],
    ['LT', '   '],
    ['CS', '\\\\'],
  ])('has no Value for %s of nothing but padding', (vr, value) => {
    expect(text(vr, value)).toEqual({ vr });
  });

  it.each<[string, string, unknown[]]>([
    ['LO', ' one \\\\three ', ['one', null, 'three']],
    ['CS', 'ORIGINAL\\PRIMARY ', ['ORIGINAL', 'PRIMARY']],
    ['UI', '1.2.3\\1.2.4\0', ['1.2.3', '1.2.4']],
    ['LT', ' keeps\\backslash ', [' keeps\\backslash']],
    ['ST', 'line\r\nline  ', ['line\r\nline']],
    ['UT', '  leading', ['  leading']],
    ['UC', ' a \\ b ', [' a', ' b']],
    ['UR', 'http://x/y\\z ', ['http://x/y\\z']],
    ['DA', '20240229', ['20240229']],
    ['SH', 'a\0b\0', ['ab']],
    ['AS', '045Y', ['045Y']],
  ])('splits and trims %s: %j', (vr, value, expected) => {
    expect(text(vr, value)).toEqual({ vr, Value: expected });
  });

  it('has person names in component groups, only those that say something', () => {
    expect(text('PN', 'Doe^John^^Dr. ').Value).toEqual([{ Alphabetic: 'Doe^John^^Dr.' }]);
    expect(text('PN', 'Wang^X=\xfc=y\\=i\\\\ ').Value).toEqual([
      { Alphabetic: 'Wang^X', Ideographic: 'ü', Phonetic: 'y' },
      { Ideographic: 'i' },
      null,
      null,
    ]);
    expect(text('PN', 'a=b=c=d').Value).toEqual([{ Alphabetic: 'a', Ideographic: 'b', Phonetic: 'c' }]);
  });

  it.each<[string, unknown]>([
    ['1.5', 1.5],
    [' 0.683594 ', 0.683594],
    ['-0.0', 0],
    ['+12', 12],
    ['1.20e-03', 0.0012],
    ['.5', 0.5],
    ['5.', 5],
    ['100000000000000', 1e14],
    ['123456789012345', 123456789012345],
    ['1.234567890123456', '1.234567890123456'],
    ['1e400', '1e400'],
    ['1e-400', '1e-400'],
    ['0e0', 0],
    ['1,5', '1,5'],
    ['NaN', 'NaN'],
    ['0x10', '0x10'],
    ['many', 'many'],
    ['1 2', '1 2'],
  ])('reads DS %j as %j, without losing a digit', (value, expected) => {
    expect(text('DS', value).Value).toEqual([expected]);
  });

  it('reads IS', () => {
    expect(text('IS', '1\\ -2\\\\12345678901234567890').Value).toEqual([1, -2, null, '12345678901234567890']);
  });

  it.each<[string, string, string, unknown[]]>([
    ['US', '0100 ffff', '0001 ffff', [1, 65535]],
    ['SS', '0100 feff', '0001 fffe', [1, -2]],
    ['UL', 'ffffffff', 'ffffffff', [4294967295]],
    ['SL', 'feffffff', 'fffffffe', [-2]],
    ['FL', 'cdcccc3d 00000040', '3dcccccd 40000000', [0.1, 2]],
    ['FD', '9a9999999999b93f', '3fb999999999999a', [0.1]],
    ['UV', '0100000000000000', '0000000000000001', [1]],
    ['UV', 'ffffffffffffffff', 'ffffffffffffffff', ['18446744073709551615']],
    ['SV', 'ffffffffffffffff', 'ffffffffffffffff', [-1]],
    ['AT', '0800 6000 e07f 1000', '0008 0060 7fe0 0010', ['00080060', '7FE00010']],
  ])('reads %s in both byte orders', (vr, little, big, values) => {
    expect(binary(vr, little)).toEqual({ vr, Value: values });
    expect(binary(vr, big, true)).toEqual({ vr, Value: values });
  });

  it('has text for what JSON has no number for', () => {
    expect(binary('FD', '000000000000f87f 000000000000f07f 000000000000f0ff').Value).toEqual([
      'NaN',
      'Infinity',
      '-Infinity',
    ]);
    expect(binary('FL', '0000c07f').Value).toEqual(['NaN']);
  });

  it('reads every float32 back to the same float32', () => {
    for (const hex of ['ffff7f7f', '01000000', 'c3f54840', '56341278', 'abaaaa3e']) {
      const value = binary('FL', hex).Value?.[0] as number;
      const bytes = Buffer.alloc(4);
      bytes.writeFloatLE(value);
      expect(bytes.toString('hex')).toBe(hex);
    }
  });

  it('leaves out half a number', () => {
    expect(binary('US', '0100 02')).toEqual({ vr: 'US', Value: [1] });
    expect(binary('US', '02')).toEqual({ vr: 'US' });
  });
});
