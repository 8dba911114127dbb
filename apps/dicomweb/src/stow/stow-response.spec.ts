import { describe, expect, it } from '@jest/globals';
import type { FailedInstance, StoredInstance } from '#libs/archive';
import { toNativeDicomXml } from '#libs/dicom';
import { stowResponse } from './stow-response.js';

const url = 'https://pacs.example/dicom-web';
const stored = (number: number, more: Partial<StoredInstance> = {}): StoredInstance => ({
  studyInstanceUid: '1.2',
  seriesInstanceUid: '1.2.3',
  sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
  sopInstanceUid: `1.2.3.${number}`,
  isDuplicate: false,
  ...more,
});
const failed: FailedInstance = {
  part: 2,
  sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
  sopInstanceUid: '1.9',
  reason: 0xa900,
  text: 'Part 2: 1.9 belongs elsewhere',
};
const unreadable: FailedInstance = { part: 3, reason: 0xc000, text: 'Part 3: <no> "DICOM" & \0 nothing' };

describe('stowResponse', () => {
  it.each([
    ['everything is stored', 200, [stored(1), stored(2)], []],
    ['all of it was stored before', 200, [stored(1, { isDuplicate: true })], []],
    ['something failed', 202, [stored(1)], [failed]],
    ['something is warned of', 202, [stored(1, { warning: 0xb007 })], []],
    ['nothing is stored', 409, [], [failed, unreadable]],
  ])('when %s answers %i', (_when, status, good, bad) => {
    expect(stowResponse({ stored: good, failed: bad }, url).status).toBe(status);
  });

  it('names what is stored with its address and its warning', () => {
    const { dataset } = stowResponse({ stored: [stored(1, { warning: 0xb007 })], failed: [] }, url);
    expect(dataset).toEqual({
      '00081190': { vr: 'UR', Value: [`${url}/studies/1.2`] },
      '00081199': {
        vr: 'SQ',
        Value: [
          {
            '00081150': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] },
            '00081155': { vr: 'UI', Value: ['1.2.3.1'] },
            '00081190': { vr: 'UR', Value: [`${url}/studies/1.2/series/1.2.3/instances/1.2.3.1`] },
            '00081196': { vr: 'US', Value: [0xb007] },
          },
        ],
      },
    });
  });

  it('gives no address of the whole when there are several studies', () => {
    const two = [stored(1), stored(2, { studyInstanceUid: '1.3' })];
    expect(stowResponse({ stored: two, failed: [] }, url).dataset['00081190']).toBeUndefined();
  });

  it('tells failures of known instances from those of parts that could not be read', () => {
    const { dataset } = stowResponse({ stored: [], failed: [failed, unreadable] }, url);
    expect(Object.keys(dataset)).toEqual(['00081198', '0008119A']);
    expect(dataset['00081198']?.Value).toMatchObject([
      { '00081155': { Value: ['1.9'] }, '00081197': { vr: 'US', Value: [0xa900] } },
    ]);
    expect(dataset['0008119A']?.Value).toMatchObject([{ '00081197': { vr: 'US', Value: [0xc000] } }]);
    expect(JSON.stringify(dataset['0008119A'])).not.toContain('00081155');
  });

  it('is well-formed XML whatever the reason says', () => {
    const xml = toNativeDicomXml(stowResponse({ stored: [stored(1)], failed: [unreadable] }, url).dataset);
    expect(xml).toContain('&lt;no&gt; &quot;DICOM&quot; &amp;   nothing');
    expect(xml).not.toContain('\0');
    expect(xml).toContain('<DicomAttribute tag="0008119A" vr="SQ" keyword="OtherFailuresSequence"><Item number="1">');
    expect(xml).toMatch(/<DicomAttribute tag="00091001" vr="LT" privateCreator="ISOCENTER">/);
    const open = xml.match(/<(?:DicomAttribute|Item|Value|NativeDicomModel)\b/g)!.length;
    expect(xml.match(/<\/(?:DicomAttribute|Item|Value|NativeDicomModel)>/g)).toHaveLength(open);
  });
});
