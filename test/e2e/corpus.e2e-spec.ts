import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type InstanceDescription, makeInstance, testUid } from '../support/make-instance.js';
import { CorpusArchive, personName } from './corpus-support.js';

jest.setTimeout(300_000);

let archive: CorpusArchive;
let seed = 5000;

beforeAll(async () => {
  archive = await CorpusArchive.start();
});

afterAll(async () => {
  await archive?.stop();
});

const make = (description: InstanceDescription = {}) => makeInstance({ seed: (seed += 1), ...description });

const u16 = (value: number) => Buffer.from([value & 255, value >> 8]);
const u32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);
const tagOf = (tag: string) =>
  Buffer.concat([u16(Number.parseInt(tag.slice(0, 4), 16)), u16(Number.parseInt(tag.slice(4), 16))]);
const undefinedLength = 0xffffffff;
const startOf = (tag: string, vr: string, length: number) =>
  Buffer.concat([tagOf(tag), Buffer.from(vr), u16(0), u32(length)]);
const short = (tag: string, vr: string, text: string) =>
  Buffer.concat([tagOf(tag), Buffer.from(vr), u16(text.length), Buffer.from(text)]);
const item = (content: Buffer) =>
  Buffer.concat([tagOf('FFFEE000'), u32(undefinedLength), content, tagOf('FFFEE00D'), u32(0)]);
const sequence = (tag: string, content: Buffer, vr = 'SQ') =>
  Buffer.concat([startOf(tag, vr, undefinedLength), content, tagOf('FFFEE0DD'), u32(0)]);

/** A report with these elements behind its own, which end with group 0040. */
const withBehind = (...elements: Buffer[]) => Buffer.concat([make({ modality: 'SR' }), ...elements]);

const nested = (depth: number): Buffer =>
  depth === 0 ? Buffer.alloc(0) : sequence('04000561', item(nested(depth - 1)));

const opaque = (length: number) => Buffer.from(Array.from({ length }, (_, at) => (at * 31) & 255));

const kinds: [string, () => Buffer][] = [
  ['Explicit VR Little Endian', () => make()],
  ['Implicit VR Little Endian', () => make({ transferSyntaxUid: '1.2.840.10008.1.2' })],
  ['Explicit VR Big Endian', () => make({ transferSyntaxUid: '1.2.840.10008.1.2.2' })],
  ['Deflated', () => make({ transferSyntaxUid: '1.2.840.10008.1.2.1.99' })],
  ['several frames', () => make({ modality: 'US', frames: 7 })],
  ['single bits', () => make({ modality: 'SEG', bitsAllocated: 1, frames: 3, rows: 5, columns: 5 })],
  ['an odd number of bytes', () => make({ modality: 'OT', bitsAllocated: 8, rows: 5, columns: 5 })],
  ['JPEG', () => make({ modality: 'US', samplesPerPixel: 3, frames: 3, transferSyntaxUid: '1.2.840.10008.1.2.4.50' })],
  [
    'fragments without an offset table',
    () =>
      make({
        modality: 'XA',
        frames: 3,
        fragmentsPerFrame: 3,
        basicOffsetTable: false,
        rows: 32,
        columns: 32,
        transferSyntaxUid: '1.2.840.10008.1.2.4.50',
      }),
  ],
  ['RLE', () => make({ transferSyntaxUid: '1.2.840.10008.1.2.5', frames: 2 })],
  ...['1.2.840.10008.1.2.4.70', '1.2.840.10008.1.2.4.80', '1.2.840.10008.1.2.4.90', '1.2.840.10008.1.2.4.201'].map(
    (transferSyntaxUid): [string, () => Buffer] => [
      `a codestream that nobody looks at, ${transferSyntaxUid}`,
      () => make({ transferSyntaxUid, frameBytes: [opaque(400)] }),
    ],
  ),
  ['no pixels', () => make({ modality: 'SR' })],
  ['a waveform', () => make({ modality: 'ECG' })],
  [
    'private elements',
    () =>
      make({
        attributes: {
          '00090010': { vr: 'LO', Value: ['CORPUS'] },
          '00091001': { vr: 'UN', InlineBinary: opaque(20).toString('base64') },
          '00091002': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['X'] } }, {}] },
          '00111001': { vr: 'LO', Value: ['without a creator'] },
        },
      }),
  ],
  ['a sequence of undefined length', () => withBehind(sequence('04000561', item(short('00080100', 'SH', 'CODE'))))],
  ['sequences in sequences', () => withBehind(nested(20))],
  ['an empty sequence of undefined length', () => withBehind(sequence('04000561', Buffer.alloc(0)))],
  [
    'UN of undefined length, with implicit VRs inside',
    () => {
      const implicit = Buffer.concat([tagOf('00080100'), u32(4), Buffer.from('CODE')]);
      return withBehind(sequence('04000561', item(implicit), 'UN'));
    },
  ],
  ['padding behind the data set', () => withBehind(Buffer.concat([startOf('FFFCFFFC', 'OB', 64), Buffer.alloc(64)]))],
  ['a group length', () => make({ attributes: { '00080000': { vr: 'UL', Value: [12345] } } })],
  ['no preamble', () => make().subarray(132)],
  [
    'a preamble of another file format',
    () => {
      const bytes = make();
      bytes.write('II*\0', 0, 'latin1');
      return bytes;
    },
  ],
];

/** Bytes of a patient's name as PS3.5 annexes H to K and ISO 8859 have them, and the text. */
const names: [string, string, string][] = [
  ['ISO_IR 100', 'M\xfcller^Ren\xe9e', 'Müller^Renée'],
  ['ISO_IR 101', 'Dvo\xf8\xe1k^Ji\xf8\xed', 'Dvořák^Jiří'],
  ['ISO_IR 144', '\xbb\xee\xdae\xdc\xd1yp\xd3', 'Люкeмбypг'],
  ['ISO_IR 126', '\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2', 'Διονυσιος'],
  ['ISO_IR 127', '\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1', 'قباني^لنزار'],
  ['ISO_IR 138', '\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4', 'שרון^דבורה'],
  ['ISO_IR 13', '\xd4\xcf\xc0\xde^\xc0\xdb\xb3', 'ﾔﾏﾀﾞ^ﾀﾛｳ'],
  ['GB18030', 'Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab', 'Wang^XiaoDong=王^小东'],
  [
    '\\ISO 2022 IR 87',
    'Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B',
    'Yamada^Tarou=山田^太郎=やまだ^たろう',
  ],
  [
    '\\ISO 2022 IR 149',
    'Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf',
    'Hong^Gildong=洪^吉洞=홍^길동',
  ],
];

const damaged: [string, () => Buffer][] = [
  ['nothing', () => Buffer.alloc(0)],
  ['text', () => Buffer.from('not DICOM '.repeat(50))],
  ['a preamble and nothing else', () => Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')])],
  ['one that ends in its File Meta Information', () => make().subarray(0, 200)],
  ['one that ends in its data set', () => make().subarray(0, 700)],
  ['one that ends in its pixels', () => make({ rows: 64, columns: 64 }).subarray(0, -1000)],
  [
    'one that ends between fragments',
    () => make({ transferSyntaxUid: '1.2.840.10008.1.2.4.80', frameBytes: [opaque(400)] }).subarray(0, -8),
  ],
  [
    'a sequence that is never closed',
    () => withBehind(startOf('04000561', 'SQ', undefinedLength), item(Buffer.alloc(0))),
  ],
  ['an item longer than its sequence', () => withBehind(startOf('04000561', 'SQ', 8), tagOf('FFFEE000'), u32(5000))],
  ['a length beyond the end', () => withBehind(startOf('04000561', 'OB', 0x7ffffff0), Buffer.alloc(100))],
  ['sequences too deep', () => withBehind(nested(400))],
  ['no SOP Class UID', () => make({ omit: ['00080016'] })],
  ['no Study Instance UID', () => make({ omit: ['0020000D'] })],
  ['no Series Instance UID', () => make({ omit: ['0020000E'] })],
  ['no SOP Instance UID', () => make({ omit: ['00080018'] })],
  ['a UID with letters', () => make({ sopInstanceUid: '1.2.abc' })],
  ['a UID that is a path', () => make({ studyInstanceUid: '../../etc/passwd' })],
  ['a UID of more than 64 characters', () => make({ seriesInstanceUid: `1.${'2'.repeat(64)}` })],
  ['a transfer syntax that does not exist', () => make({ transferSyntaxUid: '1.2.3.4.5', frameBytes: [opaque(400)] })],
  [
    'deflated bytes that are none',
    () => {
      const bytes = make({ transferSyntaxUid: '1.2.840.10008.1.2.1.99' });
      return bytes.fill(0xee, 144 + bytes.readUInt32LE(140));
    },
  ],
];

describe('every kind of object', () => {
  it.each(kinds)('is stored, found, described and given back as it came: %s', async (_kind, of) => {
    const bytes = of();
    const sent = await archive.send(bytes);
    expect(sent).toMatchObject({ status: 200 });
    expect(await archive.look(sent, bytes)).toMatchObject({ metadata: { '00080016': { vr: 'UI' } } });
    expect(await archive.askForAll(sent.url!)).toEqual([]);
  });

  it.each(names)('has its names in UTF-8 from %s', async (characterSet, encoded, text) => {
    const padded = encoded.length % 2 === 0 ? encoded : `${encoded} `;
    const bytes = make({
      attributes: {
        '00080005': { vr: 'CS', Value: characterSet.split('\\').map((one) => one || null) },
        '00100010': { vr: 'PN', InlineBinary: Buffer.from(padded, 'latin1').toString('base64') },
      },
    });
    const sent = await archive.send(bytes);
    expect(sent).toMatchObject({ status: 200 });
    const seen = await archive.look(sent, bytes);
    if (typeof seen === 'string') throw new Error(seen);
    expect([personName(seen.found), personName(seen.metadata)]).toEqual([text, text]);
  });

  it('keeps one content under one UID, and takes the other once the first is deleted', async () => {
    const sopInstanceUid = testUid('corpus twice');
    const [first, second] = [make({ sopInstanceUid, rows: 9 }), make({ sopInstanceUid, rows: 10 })];
    const stored = await archive.send(first);
    const before = await archive.snapshot();
    expect(await archive.send(second)).toMatchObject({ status: 409, reason: '111' });
    expect(await archive.snapshot()).toEqual(before);
    expect(await archive.look(stored, first)).not.toEqual(expect.any(String));
    expect(await archive.delete(stored.url!)).toBe(204);
    expect(await archive.look(await archive.send(second), second)).not.toEqual(expect.any(String));
  });
});

describe('the same data set in another file', () => {
  it('is the instance that is there already, which stays as it came first', async () => {
    const first = make();
    const other = Buffer.from(first).fill('II*\0', 0, 4, 'latin1');
    const stored = await archive.send(first);
    const before = await archive.snapshot();
    expect(await archive.send(other)).toMatchObject({ status: 200, url: stored.url });
    expect(await archive.snapshot()).toEqual(before);
    expect(await archive.look(stored, first)).not.toEqual(expect.any(String));
  });
});

describe('what is damaged', () => {
  it.each(damaged)('is refused with a reason, and changes nothing: %s', async (_kind, of) => {
    const before = await archive.snapshot();
    const sent = await archive.send(of());
    expect(sent).toMatchObject({ status: 409, reason: expect.stringMatching(/^(a7|a9|c)/) });
    expect(sent.comment).toMatch(/Part 1: \S/);
    expect(await archive.snapshot()).toEqual(before);
  });
});
