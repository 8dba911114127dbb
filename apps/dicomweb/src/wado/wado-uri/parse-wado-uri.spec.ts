import { describe, expect, it } from '@jest/globals';
import { parseWadoUri } from './parse-wado-uri.js';

const base = 'requestType=WADO&studyUID=1.2&seriesUID=1.3&objectUID=1.4';
const parse = (more = '') => parseWadoUri(`${base}${more}`);

describe('parseWadoUri', () => {
  it('reads what is asked for', () => {
    expect(
      parse(
        '&contentType=image%2Fpng&frameNumber=3&rows=100&columns=200&windowCenter=-40.5&windowWidth=400&imageQuality=80&region=0.1,0.2,0.9,1',
      ),
    ).toEqual({
      sopInstanceUid: '1.4',
      studyInstanceUid: '1.2',
      seriesInstanceUid: '1.3',
      contentType: 'image/png',
      transferSyntaxUid: undefined,
      frameNumber: 3,
      rows: 100,
      columns: 200,
      window: { center: -40.5, width: 400, function: 'LINEAR' },
      quality: 80,
      region: [0.1, 0.2, 0.9, 1],
    });
  });

  it('takes names in any case, passes over unknown and empty ones, and needs the instance alone', () => {
    expect(parseWadoUri('REQUESTTYPE=wado&objectuid=1.4&frameNumber=&charset=utf-8&x=%')).toMatchObject({
      sopInstanceUid: '1.4',
      studyInstanceUid: undefined,
      frameNumber: undefined,
    });
    expect(parse('&contentType=application/dicom+json').contentType).toBe('application/dicom+json');
    expect(parse('&anonymize=no&presentationUID=')).toEqual(parse());
  });

  it.each([
    ['', /requestType/],
    ['requestType=STOW&objectUID=1.4', /requestType/],
    ['requestType=WADO', /objectUID is missing/],
    ['requestType=WADO&objectUID=1.4.', /objectUID is not/],
    ['requestType=WADO&objectUID=..%2f..', /objectUID is not/],
    [`${base}&transferSyntax=explicit`, /transferSyntax/],
    [`${base}&frameNumber=0`, /frameNumber/],
    [`${base}&frameNumber=1,2`, /frameNumber/],
    [`${base}&rows=-1`, /rows/],
    [`${base}&rows=8193`, /rows/],
    [`${base}&columns=1.5`, /columns/],
    [`${base}&imageQuality=101`, /imageQuality/],
    [`${base}&windowCenter=40`, /together/],
    [`${base}&windowWidth=40`, /together/],
    [`${base}&windowCenter=40&windowWidth=0`, /windowWidth/],
    [`${base}&windowCenter=x&windowWidth=1`, /windowCenter/],
    [`${base}&region=0,0,1`, /region/],
    [`${base}&region=0,0,1,1,1`, /region/],
    [`${base}&region=0.5,0,0.5,1`, /region/],
    [`${base}&region=0,0,1,1.1`, /region/],
    [`${base}&region=-0.1,0,1,1`, /region/],
    [`${base}&anonymize=perhaps`, /anonymize/],
  ])('refuses %s', (search, message) => {
    expect(() => parseWadoUri(search)).toThrow(expect.objectContaining({ code: 'invalid-request' }));
    expect(() => parseWadoUri(search)).toThrow(message);
  });

  it.each(['&anonymize=yes'])('does not pass over %s, which would show something else', (more) => {
    expect(() => parse(more)).toThrow(expect.objectContaining({ title: 'Not Acceptable' }));
  });
});
