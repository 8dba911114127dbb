import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import dcmjs from 'dcmjs';
import type { DicomJson, DicomJsonElement } from './dicom-json.js';
import { jsonPersonName, jsonText } from './dicom-json.js';
import { DicomError } from './errors.js';
import { Part10Reader } from './part10-reader.js';
import { readPart10 } from './read-part10.js';

dcmjs.log.setLevel('silent');
dcmjs.log.getLogger('validation.dcmjs').setLevel('silent');

// Real objects, which the repository does not hold: these tests run where `../shared/data/dicom` is, and skip elsewhere.
const data = path.resolve(import.meta.dirname, '../../../../shared/data/dicom');
const describeWithData = existsSync(data) ? describe : describe.skip;

const filesUnder = (folder: string): string[] =>
  existsSync(path.join(data, folder))
    ? readdirSync(path.join(data, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(data, path.join(entry.parentPath, entry.name)))
        .sort()
    : [];

const read = (file: string) => readFileSync(path.join(data, file));

/** Up to `count` files of each folder, evenly. */
function sample(folders: string[], count: number): string[] {
  return folders.flatMap((folder) => {
    const files = filesUnder(folder);
    const step = Math.max(1, Math.floor(files.length / count));
    return files.filter((_, index) => index % step === 0).slice(0, count);
  });
}

describeWithData('character sets of real objects', () => {
  const expected = existsSync(data)
    ? readFileSync(path.join(data, 'charsets/derived/expected.tsv'), 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.split('\t'))
    : [];

  it.each(expected)('%s (%s)', (file, _terms, name) => {
    const { dataset } = readPart10(read(`charsets/derived/${file}`));
    const { Alphabetic = '', Ideographic, Phonetic } = jsonPersonName(dataset, '00100010') ?? {};
    expect([Alphabetic, Ideographic, Phonetic].filter((group) => group !== undefined).join('=')).toBe(name);
  });

  // The names of the annexes of PS3.5 and of pydicom's description of these files.
  it.each([
    ['chrArab.dcm', 'قباني^لنزار'],
    ['chrFren.dcm', 'Buc^Jérôme'],
    ['chrFrenMulti.dcm', 'Buc^Jérôme'],
    ['chrGerm.dcm', 'Äneas^Rüdiger'],
    ['chrGreek.dcm', 'Διονυσιος'],
    ['chrH31.dcm', 'Yamada^Tarou=山田^太郎=やまだ^たろう'],
    ['chrH32.dcm', 'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう'],
    ['chrHbrw.dcm', 'שרון^דבורה'],
    ['chrI2.dcm', 'Hong^Gildong=洪^吉洞=홍^길동'],
    ['chrJapMulti.dcm', 'やまだ^たろう'],
    ['chrJapMultiExplicitIR6.dcm', 'やまだ^たろう'],
    ['chrKoreanMulti.dcm', '김희중'],
    ['chrRuss.dcm', 'Люкceмбypг'],
    ['chrX1.dcm', 'Wang^XiaoDong=王^小東='],
    ['chrX2.dcm', 'Wang^XiaoDong=王^小东='],
  ])('%s', (file, name) => {
    const { dataset } = readPart10(read(`charsets/pydicom/${file}`));
    const groups = jsonPersonName(dataset, '00100010') ?? {};
    const written = [groups.Alphabetic ?? '', groups.Ideographic ?? '', groups.Phonetic ?? ''].join('=');
    expect(written.replace(/=+$/, '')).toBe(name.replace(/=+$/, ''));
    expect(jsonText(dataset, '00080005')).toBe('ISO_IR 192');
  });
});

describeWithData('all real and broken objects', () => {
  it('are read, or refused with an error that says what and where: nothing else happens', () => {
    const refused: Record<string, number> = {};
    let count = 0;
    for (const file of filesUnder('.')) {
      count += 1;
      try {
        const text = JSON.stringify(readPart10(read(file)).dataset);
        expect(text.includes('\\u0000')).toBe(false);
      } catch (error) {
        if (!(error instanceof DicomError)) throw new Error(`${file} broke the reader`, { cause: error });
        refused[error.code] = (refused[error.code] ?? 0) + 1;
      }
    }
    expect(count).toBeGreaterThan(1000);
    expect(Object.keys(refused).sort()).toEqual([
      'invalid-value',
      'limit-exceeded',
      'malformed',
      'missing-attribute',
      'not-dicom',
      'truncated',
      'unsupported-transfer-syntax',
    ]);
  });

  it('read the same in small pieces as at once', () => {
    for (const file of sample(['charsets', 'odd', 'sr', 'seg', 'ecg', 'sm-pathology', 'transfer-syntaxes'], 8)) {
      const bytes = read(file);
      if (bytes.length > 300_000) continue;
      const outcome = (act: () => unknown) => {
        try {
          return act();
        } catch (error) {
          return (error as DicomError).code;
        }
      };
      const inPieces = outcome(() => {
        const reader = new Part10Reader();
        for (let at = 0; at < bytes.length; at += 3) reader.write(bytes.subarray(at, at + 3));
        return reader.end();
      });
      expect([file, inPieces]).toEqual([file, outcome(() => readPart10(bytes))]);
    }
  });
});

interface DcmjsElement {
  vr: string;
  Value: unknown;
}

describeWithData('dcmjs as oracle', () => {
  const folders = [
    'ct',
    'mr',
    'cr-dx',
    'mg',
    'us-echo',
    'xa',
    'ecg',
    'sm-pathology',
    'nm-pt',
    'enhanced',
    'seg',
    'sr',
    'pr-ko',
    'rt',
    'encapsulated-pdf',
    'transfer-syntaxes',
  ];

  it('reads the same datasets as we do', () => {
    let elements = 0;
    let files = 0;
    // dcmjs 0.51.1 loses what follows an element of VR UN within an item there.
    const notReadByDcmjs = (file: string) => file.endsWith('rtdose_rle.dcm');
    for (const file of sample(folders, 12)) {
      if (notReadByDcmjs(file)) continue;
      const bytes = read(file);
      if (bytes.length > 3_000_000) continue;
      let ours: DicomJson;
      try {
        ours = readPart10(bytes, { inlineBytesMax: Infinity }).dataset;
      } catch (error) {
        // The oracle takes objects without UIDs, and other things that are no matter of reading.
        expect(error).toBeInstanceOf(DicomError);
        continue;
      }
      const theirs = readWithDcmjs(bytes);
      if (theirs === undefined) continue;
      elements += compare(file, ours, theirs);
      files += 1;
    }
    expect(files).toBeGreaterThan(80);
    expect(elements).toBeGreaterThan(10_000);
  }, 60_000);
});

/** @returns undefined for the few objects that dcmjs cannot read (fragments and items it does not expect) */
function readWithDcmjs(bytes: Buffer): Record<string, DcmjsElement> | undefined {
  const arrayBuffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  try {
    return (dcmjs.data.DicomMessage.readFile(arrayBuffer) as { dict: Record<string, DcmjsElement> }).dict;
  } catch {
    return undefined;
  }
}

/**
 * @param isCharsetKnown dcmjs reads text beyond ASCII only where it is declared, and never in items
 * @returns how many values were compared
 */
function compare(
  where: string,
  ours: DicomJson,
  theirs: Record<string, DcmjsElement>,
  isCharsetKnown = '00080005' in theirs,
): number {
  const tagsOf = (tags: string[]) => tags.filter((tag) => !tag.endsWith('0000') && tag !== 'FFFCFFFC').sort();
  expect([where, tagsOf(Object.keys(ours).filter(wasThere(theirs)))]).toEqual([where, tagsOf(Object.keys(theirs))]);
  let count = 0;
  for (const [tag, left] of Object.entries(ours)) {
    const right = theirs[tag];
    if (right === undefined || tag === '00080005') continue;
    const place = `${where} ${tag}`;
    const values = Array.isArray(right.Value) ? (right.Value as unknown[]) : [right.Value];
    if (left.vr === 'SQ') {
      // dcmjs forgets items without elements.
      const items = ((left.Value ?? []) as DicomJson[]).filter((item) => Object.keys(item).length > 0);
      expect([place, items.length]).toEqual([place, right.Value === undefined ? 0 : values.length]);
      for (const [index, item] of items.entries()) {
        count += compare(`${place}/${index}`, item, values[index] as Record<string, DcmjsElement>, false);
      }
    } else if (isComparable(left, right) && (isCharsetKnown || /^[\0-\x7f]*$/.test(ourText(left).join('')))) {
      expect([place, ourText(left)]).toEqual([place, theirText(left.vr, values)]);
      count += 1;
    }
  }
  return count;
}

/** We add a Specific Character Set where text was not ASCII and none was declared. */
const wasThere = (theirs: Record<string, DcmjsElement>) => (tag: string) => tag !== '00080005' || tag in theirs;

/** Where dcmjs is no oracle: no value (it makes zeros of it), US or SS (it takes US). */
function isComparable(left: DicomJsonElement, right: DcmjsElement): boolean {
  const isEmpty = left.Value === undefined && left.InlineBinary === undefined;
  return !isEmpty && right.vr !== 'xs' && !(left.vr === 'SS' && right.vr === 'US');
}

const numberVrs = new Set(['DS', 'IS', 'FL', 'FD', 'US', 'SS', 'UL', 'SL', 'UV', 'SV']);

function ourText({ vr, Value = [], InlineBinary }: DicomJsonElement): string[] {
  return InlineBinary === undefined ? withoutEmptyEnd(Value.map((value) => comparableText(vr, value))) : [InlineBinary];
}

function theirText(vr: string, values: unknown[]): string[] {
  const [first] = values;
  if (first instanceof ArrayBuffer) return [Buffer.from(first).toString('base64')];
  // dcmjs splits text of a single value, too.
  if (['LT', 'ST', 'UT', 'UR'].includes(vr)) return [values.join('\\').trim()];
  return withoutEmptyEnd(values.map((value) => comparableText(vr, value)));
}

function comparableText(vr: string, value: unknown): string {
  if (value === null || value === undefined || value === '') return '';
  if (vr === 'FL') return String(Math.fround(Number(value)));
  if (numberVrs.has(vr)) return String(Number(value));
  if (vr === 'AT' && typeof value === 'number') return value.toString(16).toUpperCase().padStart(8, '0');
  if (vr === 'PN') {
    const { Alphabetic = '', Ideographic = '', Phonetic = '' } = value as Record<string, string>;
    return [Alphabetic, Ideographic, Phonetic].map((group) => group.trim()).join('=');
  }
  return String(value).replaceAll('\0', '').trim();
}

function withoutEmptyEnd(texts: string[]): string[] {
  const last = texts.findLastIndex((text) => text !== '');
  return texts.slice(0, last + 1);
}
