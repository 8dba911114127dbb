import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from './dicom-json.js';
import { DicomError } from './errors.js';
import { NativeDicomXmlReader, readNativeDicomXml } from './read-native-dicom-xml.js';
import { readPart10 } from './read-part10.js';
import { toNativeDicomXml } from './to-native-dicom-xml.js';

const model = (content: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><NativeDicomModel xml:space="preserve">${content}</NativeDicomModel>`;
const attribute = (tag: string, vr: string, content: string) =>
  `<DicomAttribute tag="${tag}" vr="${vr}">${content}</DicomAttribute>`;

describe('readNativeDicomXml', () => {
  it('reads what toNativeDicomXml writes', () => {
    const dataset: DicomJson = {
      '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
      '00080008': { vr: 'CS', Value: ['ORIGINAL', null, 'AXIAL'] },
      '00080018': { vr: 'UI', Value: ['1.2.3'] },
      '00081140': { vr: 'SQ' },
      '00090010': { vr: 'LO', Value: ['SOME & <BODY>'] },
      '00091001': { vr: 'UN', InlineBinary: 'AQIDBA==' },
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Doe^John^^Dr.', Ideographic: '山^田' }, { Phonetic: 'x' }] },
      '00104000': { vr: 'LT', Value: ['a\r\n<b> & "c"'] },
      '00189073': { vr: 'FD', Value: [0.1, 'NaN', '-Infinity'] },
      '00200032': { vr: 'DS', Value: [-1.5, '0.12345678901234567', 100] },
      '00280009': { vr: 'AT', Value: ['00181063'] },
      '0040A730': { vr: 'SQ', Value: [{ '00080100': { vr: 'SH', Value: ['é'] } }, {}, { '00081140': { vr: 'SQ' } }] },
      '00720083': { vr: 'UV', Value: ['18446744073709551615', 5] },
      '7FE00010': { vr: 'OW', BulkDataURI: '/a?b=c&d' },
    };
    expect(readNativeDicomXml(toNativeDicomXml(dataset))).toEqual(dataset);
  });

  it('reads a document piece by piece', () => {
    const dataset: DicomJson = { '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Ä^ö' }] } };
    const reader = new NativeDicomXmlReader();
    for (const character of toNativeDicomXml(dataset)) reader.write(character);
    expect(reader.end()).toEqual(dataset);
  });

  it('does without namespaces, numbers, VRs and keywords, and overlooks layout', () => {
    const xml = `\uFEFF<n:NativeDicomModel xmlns:n="x">
      <!-- a comment -->
      <n:DicomAttribute tag="0020000d"><n:Value><![CDATA[1.2]]></n:Value></n:DicomAttribute>
      <n:DicomAttribute tag="00280010" vr="US">
        <n:Value> 5 </n:Value>
      </n:DicomAttribute>
      <n:DicomAttribute tag="00080008" vr="CS"><n:Value>A</n:Value><n:Value>B</n:Value></n:DicomAttribute>
      <n:DicomAttribute tag="7FE00010" vr="OB"><n:InlineBinary>AQ
        I=</n:InlineBinary></n:DicomAttribute>
    </n:NativeDicomModel>`;
    expect(readNativeDicomXml(xml)).toEqual({
      '0020000D': { vr: 'UI', Value: ['1.2'] },
      '00280010': { vr: 'US', Value: [5] },
      '00080008': { vr: 'CS', Value: ['A', 'B'] },
      '7FE00010': { vr: 'OB', InlineBinary: 'AQI=' },
    });
  });

  it('gives private elements a block of their creator where the document has none', () => {
    const element = (tag: string, creator: string) =>
      `<DicomAttribute tag="${tag}" vr="LO" privateCreator="${creator}"><Value number="1">${creator}</Value></DicomAttribute>`;
    expect(
      readNativeDicomXml(model(element('00090001', 'A') + element('00090002', 'B') + element('00090003', 'A'))),
    ).toEqual({
      '00090010': { vr: 'LO', Value: ['A'] },
      '00090011': { vr: 'LO', Value: ['B'] },
      '00091001': { vr: 'LO', Value: ['A'] },
      '00091102': { vr: 'LO', Value: ['B'] },
      '00091003': { vr: 'LO', Value: ['A'] },
    });
    expect(readNativeDicomXml(model(element('00091201', 'A')))).toEqual({
      '00090012': { vr: 'LO', Value: ['A'] },
      '00091201': { vr: 'LO', Value: ['A'] },
    });
  });

  const laughs = `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "${'&a;'.repeat(10)}"><!ENTITY c "${'&b;'.repeat(10)}">]>`;

  it.each([
    ['nothing', ''],
    ['no XML', '{"00080018": {}}'],
    ['another document', '<html></html>'],
    ['an unclosed document', '<NativeDicomModel><DicomAttribute tag="00100020" vr="LO">'],
    ['a document type', `<!DOCTYPE x SYSTEM "file:///etc/passwd"><NativeDicomModel/>`],
    ['a billion laughs', `${laughs}${model(attribute('00100020', 'LO', '<Value number="1">&c;</Value>'))}`],
    ['an entity of nobody', model(attribute('00100020', 'LO', '<Value number="1">&c;</Value>'))],
    ['no tag', model('<DicomAttribute vr="LO"/>')],
    ['a tag that is none', model(attribute('PatientID', 'LO', ''))],
    ['text between attributes', model('hello')],
    ['an element of nobody', model('<Other/>')],
    ['a value in a value', model(attribute('00100020', 'LO', '<Value number="1"><Value/></Value>'))],
    ['an item in a text', model(attribute('00100020', 'LO', '<Item number="1"/>'))],
    ['a value in a sequence', model(attribute('00081140', 'SQ', '<Value number="1">x</Value>'))],
    ['number 0', model(attribute('00100020', 'LO', '<Value number="0">x</Value>'))],
    ['bulk data nowhere', model(attribute('7FE00010', 'OW', '<BulkData/>'))],
  ])('refuses %s', (_what, xml) => {
    expect(() => readNativeDicomXml(xml)).toThrow(DicomError);
    expect(() => readNativeDicomXml(xml)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('refuses text for a number', () => {
    const xml = model(attribute('00280010', 'US', '<Value number="1">many</Value>'));
    expect(() => readNativeDicomXml(xml)).toThrow(expect.objectContaining({ code: 'invalid-value' }));
  });

  it('refuses what is too much, and does not make it', () => {
    const refused = expect.objectContaining({ code: 'limit-exceeded' });
    const far = model(attribute('00100020', 'LO', '<Value number="999999999">x</Value>'));
    expect(() => readNativeDicomXml(far)).toThrow(refused);
    const open = '<DicomAttribute tag="0040A730" vr="SQ"><Item number="1">'.repeat(40);
    expect(() => readNativeDicomXml(`<NativeDicomModel>${open}`)).toThrow(refused);
    expect(() => readNativeDicomXml(model('x'), { charactersMax: 20 })).toThrow(refused);
  });
});

// Real objects, which the repository does not hold: these tests run where `../shared/data/dicom` is, and skip elsewhere.
const data = path.resolve(import.meta.dirname, '../../../../shared/data/dicom');
(existsSync(data) ? describe : describe.skip)('real datasets', () => {
  it.each(['ct', 'mr', 'sr', 'ecg', 'seg', 'rt', 'enhanced', 'odd', 'charsets', 'sm-pathology', 'pr-ko', 'us-echo'])(
    'are the same after a way through XML: %s',
    (folder) => {
      const files = readdirSync(path.join(data, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
        .filter((file) => statSync(file).size < 2_000_000);
      let read = 0;
      for (const file of files.filter((_, index) => index % Math.ceil(files.length / 15) === 0)) {
        let dataset: DicomJson;
        try {
          ({ dataset } = readPart10(readFileSync(file)));
        } catch (error) {
          if (error instanceof DicomError) continue;
          throw error;
        }
        read += 1;
        expect([file, normalized(readNativeDicomXml(toNativeDicomXml(dataset)))]).toEqual([file, normalized(dataset)]);
      }
      expect(read).toBeGreaterThan(0);
    },
  );
});

/** XML has no control characters, no minus zero, five components of a name, and no separators behind the last of them. */
function normalized(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, ' ');
  if (typeof value === 'number') return value + 0;
  if (Array.isArray(value)) return value.map(normalized);
  if (typeof value !== 'object' || value === null) return value;
  const { vr, Value } = value as { vr?: unknown; Value?: unknown[] };
  if (vr !== 'PN' || Value === undefined) {
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, normalized(member)]));
  }
  const names = Value.map((name) => nameOf((name ?? {}) as Record<string, string>));
  return names.every((name) => name === null) ? { vr } : { vr, Value: names };
}

function nameOf(name: Record<string, string>): unknown {
  const groups = Object.entries(name).map(([group, text]) => {
    const components = text.split('^', 5).map((component) => component.trim());
    return [group, components.join('^').replace(/\^+$/, '')] as const;
  });
  const filled = groups.filter(([, text]) => text !== '');
  return filled.length === 0 ? null : Object.fromEntries(filled);
}
