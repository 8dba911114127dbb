import { describe, expect, it } from '@jest/globals';
import { SaxesParser } from 'saxes';
import { toNativeDicomXml } from './to-native-dicom-xml.js';

const body = (xml: string) => xml.replace(/^[\s\S]*?<NativeDicomModel[^>]*>/, '').replace('</NativeDicomModel>', '');

describe('toNativeDicomXml', () => {
  it('writes values with their number, tag, VR and keyword, tags ascending', () => {
    const xml = toNativeDicomXml({
      '00280010': { vr: 'US', Value: [512] },
      '00080061': { vr: 'CS', Value: ['CT', 'SR'] },
      '00080050': { vr: 'SH' },
    });
    expect(body(xml)).toBe(
      '<DicomAttribute tag="00080050" vr="SH" keyword="AccessionNumber"></DicomAttribute>' +
        '<DicomAttribute tag="00080061" vr="CS" keyword="ModalitiesInStudy"><Value number="1">CT</Value><Value number="2">SR</Value></DicomAttribute>' +
        '<DicomAttribute tag="00280010" vr="US" keyword="Rows"><Value number="1">512</Value></DicomAttribute>',
    );
  });

  it('takes person names apart into groups and components', () => {
    const xml = toNativeDicomXml({
      '00100010': {
        vr: 'PN',
        Value: [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎' }, { Alphabetic: 'A^^B' }],
      },
    });
    expect(body(xml)).toContain(
      '<PersonName number="1"><Alphabetic><FamilyName>Yamada</FamilyName><GivenName>Tarou</GivenName></Alphabetic>' +
        '<Ideographic><FamilyName>山田</FamilyName><GivenName>太郎</GivenName></Ideographic></PersonName>' +
        '<PersonName number="2"><Alphabetic><FamilyName>A</FamilyName><MiddleName>B</MiddleName></Alphabetic></PersonName>',
    );
  });

  it('nests items, and keeps the place of empty members', () => {
    const xml = toNativeDicomXml({
      '00081110': { vr: 'SQ', Value: [{ '00081155': { vr: 'UI', Value: ['1.2'] } }, {}] },
      '00080008': { vr: 'CS', Value: ['ORIGINAL', null, 'AXIAL'] },
    });
    expect(body(xml)).toContain('<Item number="1"><DicomAttribute tag="00081155" vr="UI"');
    expect(body(xml)).toContain('<Item number="2"></Item>');
    expect(body(xml)).toContain('<Value number="2"></Value><Value number="3">AXIAL</Value>');
  });

  it('gives binary values inline or by reference, and private elements their creator', () => {
    const xml = toNativeDicomXml({
      '00090010': { vr: 'LO', Value: ['ACME "1"'] },
      '00091001': { vr: 'OB', InlineBinary: 'AAE=' },
      '7FE00010': { vr: 'OW', BulkDataURI: 'http://x/a?b=1&c=2' },
    });
    expect(body(xml)).toContain('<DicomAttribute tag="00090010" vr="LO"><Value number="1">ACME &quot;1&quot;</Value>');
    expect(body(xml)).toContain(
      '<DicomAttribute tag="00091001" vr="OB" privateCreator="ACME &quot;1&quot;"><InlineBinary>AAE=</InlineBinary>',
    );
    expect(body(xml)).toContain('<BulkData uri="http://x/a?b=1&amp;c=2"/>');
  });

  it('stays well-formed whatever the text holds', () => {
    const text = 'a<b>&"\'\u0001\ud800\uffff\r\n]]>';
    const xml = toNativeDicomXml({ '00081030': { vr: 'LO', Value: [text] } });
    const parser = new SaxesParser({ xmlns: true });
    let read = '';
    parser.on('text', (piece) => (read += piece));
    parser.on('error', (error) => {
      throw error;
    });
    parser.write(xml).close();
    expect(read).toContain('a<b>&"\' \ufffd \r\n]]>');
  });
});
