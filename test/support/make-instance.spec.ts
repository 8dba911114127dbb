import { describe, expect, it } from '@jest/globals';
import dcmjs from 'dcmjs';
import sharp from 'sharp';
import { makeInstance, testUid } from './make-instance.js';
import { mosaicJpeg } from './mosaic-jpeg.js';
import { multipartBody } from './multipart.js';

interface Dict {
  [tag: string]: { vr: string; Value: unknown[] } | undefined;
}

/** dcmjs reads what we wrote: an implementation that shares nothing with ours. */
function read(bytes: Buffer): { meta: Dict; dict: Dict } {
  return dcmjs.data.DicomMessage.readFile(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer,
  );
}

const value = (dict: Dict, tag: string) => dict[tag]?.Value[0];
const pixelBytes = (dict: Dict) => dict['7FE00010']?.Value.map((frame) => Buffer.from(frame as ArrayBuffer)) ?? [];

describe('makeInstance', () => {
  it.each(['1.2.840.10008.1.2', '1.2.840.10008.1.2.1', '1.2.840.10008.1.2.1.99', '1.2.840.10008.1.2.2'])(
    'writes the same pixels in the native syntax %s',
    (transferSyntaxUid) => {
      const reference = read(makeInstance({ rows: 4, columns: 6, frames: 2 })).dict;
      const { meta, dict } = read(makeInstance({ rows: 4, columns: 6, frames: 2, transferSyntaxUid }));
      expect(value(meta, '00020010')).toBe(transferSyntaxUid);
      expect(value(dict, '00280010')).toBe(4);
      expect(value(dict, '00100020')).toBe('TEST-1');
      const pixels = Buffer.concat(pixelBytes(dict));
      if (transferSyntaxUid === '1.2.840.10008.1.2.2') pixels.swap16();
      expect(pixels).toHaveLength(4 * 6 * 2 * 2);
      expect(pixels).toEqual(Buffer.concat(pixelBytes(reference)));
    },
  );

  it('writes JPEG frames that a codec decodes to the shade of every block', async () => {
    const shades = [
      [0, 255],
      [128, 37],
    ];
    const jpeg = mosaicJpeg(16, 12, 1, (_, row, column) => shades[row]?.[column] ?? 0);
    const { data, info } = await sharp(jpeg).extractChannel(0).raw().toBuffer({ resolveWithObject: true });
    expect([info.height, info.width]).toEqual([16, 12]);
    expect([data[0], data[11], data[15 * 12], data[15 * 12 + 11]]).toEqual([0, 255, 128, 37]);

    const { dict } = read(
      makeInstance({
        modality: 'US',
        frames: 3,
        samplesPerPixel: 3,
        rows: 16,
        columns: 16,
        transferSyntaxUid: '1.2.840.10008.1.2.4.50',
      }),
    );
    const frames = pixelBytes(dict);
    expect(frames).toHaveLength(3);
    for (const frame of frames) expect((await sharp(frame).metadata()).channels).toBe(3);
  });

  it('cuts a frame into the fragments asked for, and gives them back whole', () => {
    const options = { frames: 2, rows: 32, columns: 32, transferSyntaxUid: '1.2.840.10008.1.2.4.50' };
    const whole = makeInstance(options);
    const cut = makeInstance({ ...options, fragmentsPerFrame: 3 });
    expect(cut.length).toBe(whole.length + 2 * 2 * 8);
    expect(pixelBytes(read(cut).dict)).toEqual(pixelBytes(read(whole).dict));
  });

  it('lays RLE segments by sample and byte, most significant first', () => {
    const native = Buffer.concat(pixelBytes(read(makeInstance({ rows: 2, columns: 130 })).dict));
    const [frame] = pixelBytes(
      read(makeInstance({ rows: 2, columns: 130, transferSyntaxUid: '1.2.840.10008.1.2.5' })).dict,
    );
    if (!frame) throw new Error('no frame');
    expect(frame.readUInt32LE(0)).toBe(2);
    const high = frame.subarray(frame.readUInt32LE(4), frame.readUInt32LE(8));
    expect([high[0], high[129], high[132]]).toEqual([127, 1, 127]);
    expect([high[1], high[128]]).toEqual([native[1], native[255]]);
    expect(high[133]).toBe(native[130 * 2 + 1]);
  });

  it('is the same bytes for the same seed, and another study for another', () => {
    expect(makeInstance({ seed: 5 })).toEqual(makeInstance({ seed: 5 }));
    const [five, six] = [5, 6].map((seed) => read(makeInstance({ seed })).dict);
    expect(value(five ?? {}, '0020000D')).not.toBe(value(six ?? {}, '0020000D'));
    expect(testUid('x')).toMatch(/^2\.25\.[1-9][0-9]{0,38}$/);
  });

  it('lets a test set and leave out attributes', () => {
    const { dict } = read(
      makeInstance({
        attributes: {
          '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎' }] },
          '00081140': { vr: 'SQ', Value: [{ '00081155': { vr: 'UI', Value: ['1.2.3'] } }] },
        },
        omit: ['00100020'],
      }),
    );
    expect(value(dict, '00100010')).toMatchObject({ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎' });
    expect(dict['00081140']?.Value[0]).toMatchObject({ '00081155': { Value: ['1.2.3'] } });
    expect(dict).not.toHaveProperty('00100020');
  });

  it('makes waveforms and reports without pixels', () => {
    const ecg = read(makeInstance({ modality: 'ECG' })).dict;
    expect(ecg).not.toHaveProperty('7FE00010');
    const group = ecg['54000100']?.Value[0] as Dict;
    expect((value(group, '54001010') as ArrayBuffer).byteLength).toBe(12 * 64 * 2);
    expect(value(read(makeInstance({ modality: 'SR' })).dict, '0040A040')).toBe('CONTAINER');
  });

  it('packs single bits across frames', () => {
    const { dict } = read(makeInstance({ modality: 'OT', bitsAllocated: 1, rows: 3, columns: 3, frames: 3 }));
    expect(Buffer.concat(pixelBytes(dict))).toHaveLength(4); // 27 bits, padded to an even length
  });

  it('says so when asked for a syntax it has no codec for', () => {
    expect(() => makeInstance({ transferSyntaxUid: '1.2.840.10008.1.2.4.90' })).toThrow('give frameBytes');
  });
});

describe('multipartBody', () => {
  it('frames each part with its type and closes the body', () => {
    const { contentType, body } = multipartBody([Buffer.from('one'), Buffer.from('two')], { boundary: 'b' });
    expect(contentType).toBe('multipart/related; type="application/dicom"; boundary=b');
    expect(body.toString()).toBe(
      '--b\r\nContent-Type: application/dicom\r\n\r\none\r\n--b\r\nContent-Type: application/dicom\r\n\r\ntwo\r\n--b--\r\n',
    );
  });
});
