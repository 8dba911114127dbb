import { describe, expect, it } from '@jest/globals';
import { BulkDataParts } from './bulk-data-parts.js';

const base = 'http://pacs.example/dicom-web/studies/';
const mediaType = { type: 'application/octet-stream', parameters: new Map<string, string>() };

function partsOf(...locations: [string | undefined, string?][]): BulkDataParts {
  const parts = new BulkDataParts(base);
  for (const [index, [location, id]] of locations.entries()) {
    parts.add({ number: index + 1, offset: 0, bytes: 1, mediaType, location }, id);
  }
  return parts;
}
const numbers = (parts: BulkDataParts, uri: string) => parts.find(uri)?.map(({ number }) => number);

describe('BulkDataParts', () => {
  it.each([
    ['the same text', 'any thing', 'any thing'],
    ['both relative', './a/../b', 'b'],
    ['relative and absolute', 'b', `${base}b`],
    ['from the root and absolute', '/dicom-web/x', 'http://pacs.example/dicom-web/x'],
    ['escaped otherwise', 'http://h/a b', 'http://h/a%20b'],
    ['an URN', 'urn:uuid:1', 'urn:uuid:1'],
  ])('finds a part by its Content-Location: %s', (_how, uri, location) => {
    expect(numbers(partsOf(['else'], [location]), uri)).toEqual([2]);
  });

  it('finds a part by its Content-ID', () => {
    const parts = partsOf([undefined, '<a+b@c>'], [undefined, 'd@c']);
    expect([numbers(parts, 'cid:a+b@c'), numbers(parts, 'CID:a%2Bb@c'), numbers(parts, 'cid:d@c')]).toEqual([
      [1],
      [1],
      [2],
    ]);
    expect(numbers(parts, 'cid:%')).toBeUndefined();
  });

  it('gives the frames of one value in their order', () => {
    expect(numbers(partsOf(['a'], ['b'], ['a']), 'a')).toEqual([1, 3]);
    expect(numbers(partsOf(['a/frames/2'], ['a/frames/1'], ['a/frames/4']), 'a')).toEqual([2, 1]);
    expect(numbers(partsOf(['a/frames/2']), 'a')).toBeUndefined();
  });

  it('knows whom nobody asked for', () => {
    const parts = partsOf(['a'], ['b'], [undefined]);
    parts.find('b');
    parts.find('nowhere');
    expect(parts.unused.map(({ number }) => number)).toEqual([1, 3]);
  });
});
