import { describe, expect, it } from '@jest/globals';
import { readPart10 } from '#libs/dicom';
import { makeInstance } from '../../../../test/support/make-instance.js';
import { instanceColumns } from './index-rows.js';

describe('the metadata text of an instance', () => {
  // To JavaScript 54000100 is an array index and comes first, however the keys were sorted before.
  it('has its tags in ascending order, 54000100 behind 00280010 (PS3.18 F.2.2)', () => {
    const { dataset, transferSyntaxUid } = readPart10(makeInstance({ modality: 'ECG' }));
    const { dicom_json: text } = instanceColumns(dataset, transferSyntaxUid);
    const places = Object.keys(JSON.parse(text) as object).map((tag) => ({ tag, at: text.indexOf(`"${tag}":`) }));
    const inText = places.sort((a, b) => a.at - b.at).map(({ tag }) => tag);
    expect(inText).toContain('54000100');
    expect(inText).toContain('00083002');
    expect(inText).toEqual([...inText].sort());
  });
});
