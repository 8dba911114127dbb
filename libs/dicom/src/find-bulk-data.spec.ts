import { describe, expect, it } from '@jest/globals';
import { BulkDataSearch, findBulkData } from './find-bulk-data.js';
import {
  DatasetBytes,
  deflated,
  explicitBigEndian,
  implicitLittleEndian,
  instanceBytes,
  jpegBaseline,
  part10,
} from './part10-builder.js';

const explicit = new DatasetBytes();

describe('findBulkData', () => {
  it.each([
    ['explicit little endian', explicit, undefined],
    ['implicit little endian', new DatasetBytes({ implicit: true }), implicitLittleEndian],
    ['big endian', new DatasetBytes({ bigEndian: true }), explicitBigEndian],
  ])('finds values at any depth in %s', (_name, build, syntax) => {
    const waveform = (data: string) => build.element('54001010', 'OW', data);
    const bytes = part10(
      instanceBytes(build, {
        after: [
          build.element('00420011', 'OB', 'document'),
          build.sequence('54000100', [
            Buffer.concat([build.sequence('003A0200', [build.element('54001010', 'OW', 'nest')]), waveform('first')]),
            waveform('second'),
          ]),
          build.element('7FE00010', 'OW', 'pixels'),
        ],
      }),
      syntax,
    );
    const valueAt = (path: string) => {
      const found = findBulkData(bytes, path);
      return (
        found && {
          ...found,
          offset: undefined,
          text: bytes.toString('latin1', found.offset, found.offset + found.length),
        }
      );
    };
    const bigEndian = syntax === explicitBigEndian;
    expect(valueAt('00420011')).toMatchObject({ text: 'document', vr: 'OB', bigEndian, encapsulated: false });
    expect(valueAt('54000100/0/54001010')).toMatchObject({ text: 'first\0', vr: 'OW', bigEndian });
    expect(valueAt('54000100/0/003A0200/0/54001010')).toMatchObject({ text: 'nest' });
    expect(valueAt('54000100/1/54001010')).toMatchObject({ text: 'second' });
    expect(valueAt('7FE00010')).toMatchObject({ text: 'pixels' });
    for (const path of ['54000100/2/54001010', '54001010', '54000100', '00420012', '', '../00420011']) {
      expect(findBulkData(bytes, path)).toBeUndefined();
    }
  });

  it('finds encapsulated pixel data as its items, without the delimiter', () => {
    const bytes = part10(
      instanceBytes(explicit, { after: [explicit.fragments([], [Buffer.from('ab'), Buffer.from('cdef')])] }),
      jpegBaseline,
    );
    const found = findBulkData(bytes, '7FE00010')!;
    expect(found).toMatchObject({ encapsulated: true, length: 8 + 10 + 12, offset: bytes.length - 8 - 30 });
  });

  it('needs no more of the object than reaches the value', () => {
    const bytes = part10(
      instanceBytes(explicit, {
        after: [explicit.element('00420011', 'OB', 'document'), explicit.element('7FE00010', 'OB', Buffer.alloc(900))],
      }),
    );
    expect(findBulkData(bytes.subarray(0, bytes.length - 600), '00420011')?.length).toBe(8);
    expect(findBulkData(bytes.subarray(0, bytes.length - 600), '7FE00010')?.length).toBe(900);
    expect(findBulkData(bytes.subarray(0, 200), '7FE00010')).toBeUndefined();
  });

  it('refuses what has no places: a deflated object, and no object', () => {
    const bytes = part10(
      instanceBytes(explicit, { after: [explicit.element('00420011', 'OB', 'document')] }),
      deflated,
    );
    expect(() => findBulkData(bytes, '00420011')).toThrow(
      expect.objectContaining({ code: 'unsupported-transfer-syntax' }),
    );
    expect(() => findBulkData(Buffer.alloc(500, 1), '00420011')).toThrow(
      expect.objectContaining({ code: 'not-dicom' }),
    );
  });
});

describe('BulkDataSearch', () => {
  const search = (bytes: Buffer, tagPath: string, size: number) => {
    const searching = new BulkDataSearch(tagPath);
    for (let at = 0; at < bytes.length; at += size) {
      const found = searching.write(bytes.subarray(at, at + size));
      if (found !== undefined) return { found, read: Math.min(at + size, bytes.length) };
    }
    return undefined;
  };

  it.each([1, 7, 1000])('finds what findBulkData finds, in chunks of %d bytes', (size) => {
    const bytes = part10(
      instanceBytes(explicit, {
        after: [explicit.element('00420011', 'OB', 'document'), explicit.element('7FE00010', 'OB', Buffer.alloc(900))],
      }),
    );
    for (const tagPath of ['00420011', '7FE00010']) {
      expect(search(bytes, tagPath, size)?.found).toEqual(findBulkData(bytes, tagPath));
    }
    expect(search(bytes, '00420012', size)).toBeUndefined();
  });

  it('knows where fragments begin before it has read them', () => {
    const bytes = part10(
      instanceBytes(explicit, { after: [explicit.fragments([0], [Buffer.alloc(5000)])] }),
      jpegBaseline,
    );
    const { found, read } = search(bytes, '7FE00010', 100)!;
    expect(found).toEqual({ ...findBulkData(bytes, '7FE00010'), length: undefined });
    expect(read).toBeLessThan(bytes.length - 4000);
    expect(search(bytes, '7FE00010', bytes.length)?.found.length).toBeUndefined();
  });

  it('says so when the object is deflated, or none', () => {
    const dataset = instanceBytes(explicit, { after: [explicit.element('00420011', 'OB', 'document')] });
    expect(() => search(part10(dataset, deflated), '00420011', 100)).toThrow(
      expect.objectContaining({ code: 'unsupported-transfer-syntax' }),
    );
    expect(() => search(Buffer.alloc(500, 1), '00420011', 100)).toThrow(expect.objectContaining({ code: 'not-dicom' }));
  });
});
