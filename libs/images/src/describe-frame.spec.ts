import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from '#libs/dicom';
import { bulkDataForRendering } from './bulk-data.js';
import { describeFrame } from './describe-frame.js';

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const us = (...Value: number[]) => ({ vr: 'US', Value });
const ds = (...Value: number[]) => ({ vr: 'DS', Value });
const cs = (...Value: string[]) => ({ vr: 'CS', Value });
const sq = (...Value: DicomJson[]) => ({ vr: 'SQ', Value });

/** A grey image of 2 x 3 pixels, 12 of 16 bits. */
const grey: DicomJson = {
  '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.2'] },
  '00280002': us(1),
  '00280004': cs('MONOCHROME2'),
  '00280010': us(2),
  '00280011': us(3),
  '00280100': us(16),
  '00280101': us(12),
  '00280102': us(11),
  '00280103': us(0),
};

const words = (...values: number[]) => Buffer.from(Uint16Array.from(values).buffer).toString('base64');

describe('describeFrame', () => {
  it('reads the layout, and takes no rescaling, window or table where there is none', () => {
    expect(describeFrame(grey, explicitLittleEndian, 0)).toEqual({
      transferSyntaxUid: explicitLittleEndian,
      rows: 2,
      columns: 3,
      samplesPerPixel: 1,
      bitsAllocated: 16,
      bitsStored: 12,
      highBit: 11,
      pixelRepresentation: 0,
      sampleType: 'integer',
      photometricInterpretation: 'MONOCHROME2',
      planarConfiguration: 0,
      bitOffset: 0,
      swapWordBytes: 0,
      rescaleSlope: 1,
      rescaleIntercept: 0,
      rescaleType: undefined,
      modalityLut: undefined,
      windows: [],
      voiLut: undefined,
      palette: undefined,
      padding: undefined,
      isSegmentation: false,
    });
  });

  it('reads rescaling and windows, numbers or text', () => {
    const description = describeFrame(
      {
        ...grey,
        '00281050': { vr: 'DS', Value: ['40'] },
        '00281051': { vr: 'DS', Value: [' 400 '] },
        '00281056': cs('LINEAR'),
        '00281052': ds(-1024),
        '00281053': ds(2),
        '00281054': { vr: 'LO', Value: ['HU'] },
      },
      explicitLittleEndian,
      0,
    );
    expect(description).toMatchObject({ rescaleSlope: 2, rescaleIntercept: -1024, rescaleType: 'HU' });
    expect(description.windows[0]).toEqual({ center: 40, width: 400, function: 'LINEAR' });
  });

  it('pairs each center with its own width, and leaves out windows that are none', () => {
    const { windows } = describeFrame(
      {
        ...grey,
        '00281050': { vr: 'DS', Value: [40, null, 300, 7] },
        '00281051': ds(400, 20, 0, 5),
        '00281056': cs('SIGMOID'),
      },
      explicitLittleEndian,
      0,
    );
    expect(windows).toEqual([
      { center: 40, width: 400, function: 'SIGMOID' },
      { center: 7, width: 5, function: 'SIGMOID' },
    ]);
  });

  it('takes a LINEAR window narrower than 1 as LINEAR_EXACT', () => {
    const { windows } = describeFrame({ ...grey, '00281050': ds(0.1), '00281051': ds(0.2) }, explicitLittleEndian, 0);
    expect(windows).toEqual([{ center: 0.1, width: 0.2, function: 'LINEAR_EXACT' }]);
  });

  it("takes a frame's own functional groups first, then the shared ones, then the top level", () => {
    const voi = (center: number): DicomJson => ({
      '00289132': sq({ '00281050': ds(center), '00281051': ds(100), '00281056': cs('LINEAR_EXACT') }),
    });
    const rescale: DicomJson = { '00289145': sq({ '00281052': ds(-5), '00281053': ds(3) }) };
    const dataset: DicomJson = {
      ...grey,
      '00280008': { vr: 'IS', Value: ['3'] },
      '00281053': ds(9),
      '52009229': sq({ ...rescale, ...voi(1) }),
      '52009230': sq({}, voi(2), { '00289145': sq({ '00281052': ds(0), '00281053': ds(7) }) }),
    };
    const frames = [0, 1, 2].map((frame) => describeFrame(dataset, explicitLittleEndian, frame));
    expect(frames.map(({ windows }) => windows[0]?.center)).toEqual([1, 2, 1]);
    expect(frames.map(({ rescaleSlope }) => rescaleSlope)).toEqual([3, 3, 7]);
  });

  it('tells where one-bit frames begin, which are packed without padding', () => {
    const dataset = {
      ...grey,
      '00280008': { vr: 'IS', Value: [4] },
      '00280100': us(1),
      '00280101': us(1),
      '00280102': us(0),
    };
    expect([0, 1, 2, 3].map((frame) => describeFrame(dataset, explicitLittleEndian, frame).bitOffset)).toEqual([
      0, 6, 4, 2,
    ]);
    expect(describeFrame(dataset, '1.2.840.10008.1.2.5', 1).bitOffset).toBe(0);
  });

  it('tells floating point pixels by their element, or by the lack of Bits Stored', () => {
    const { '00280101': _stored, '00280102': _high, ...rest } = grey;
    const float = { ...rest, '00280100': us(32) };
    expect(describeFrame(float, explicitLittleEndian, 0).sampleType).toBe('float');
    expect(describeFrame({ ...float, '7FE00010': { vr: 'OW' } }, explicitLittleEndian, 0).sampleType).toBe('integer');
    expect(describeFrame({ ...rest, '00280100': us(64) }, explicitLittleEndian, 0).sampleType).toBe('double');
  });

  it('swaps big endian words, but not bytes', () => {
    const bigEndian = '1.2.840.10008.1.2.2';
    const bytes = { ...grey, '00280100': us(8), '00280101': us(8), '00280102': us(7) };
    expect(describeFrame(grey, bigEndian, 0).swapWordBytes).toBe(2);
    expect(describeFrame({ ...bytes, '7FE00010': { vr: 'OB' } }, bigEndian, 0).swapWordBytes).toBe(0);
    expect(describeFrame({ ...bytes, '7FE00010': { vr: 'OW' } }, bigEndian, 0).swapWordBytes).toBe(2);
  });

  it('reads a palette of words, of packed bytes, and of 16 declared bits with 8 used', () => {
    const palette = (red: object, bits: number): DicomJson => ({
      ...grey,
      '00280004': cs('PALETTE COLOR'),
      '00281101': us(3, 10, bits),
      '00281102': us(3, 10, 16),
      '00281103': us(3, 10, 16),
      '00281201': red as DicomJson[string],
      '00281202': { vr: 'OW', InlineBinary: words(256, 512, 65535) },
      '00281203': { vr: 'OW', InlineBinary: words(1, 2, 3) },
    });
    const read = (red: object, bits: number) => describeFrame(palette(red, bits), explicitLittleEndian, 0).palette;
    const asBytes = read({ vr: 'OW', InlineBinary: Buffer.from([7, 8, 9, 0]).toString('base64') }, 8);
    expect(asBytes?.red).toEqual({ firstInput: 10, bits: 8, values: Uint16Array.of(7, 8, 9) });
    expect(asBytes?.green).toEqual({ firstInput: 10, bits: 16, values: Uint16Array.of(256, 512, 65535) });
    expect(asBytes?.blue).toEqual({ firstInput: 10, bits: 8, values: Uint16Array.of(1, 2, 3) });
    expect(read({ vr: 'US', Value: [1, 2, 300] }, 16)?.red.values).toEqual(Uint16Array.of(1, 2, 300));
    expect(() => read({ vr: 'OW', InlineBinary: words(1) }, 16)).toThrow(
      expect.objectContaining({ code: 'truncated' }),
    );
  });

  it('expands a segmented palette: discrete, linear and indirect segments', () => {
    const data = words(0, 2, 10, 20, 1, 4, 60, 2, 1, 0, 0);
    const segmented = { vr: 'OW', InlineBinary: data };
    const dataset: DicomJson = { ...grey, '00280004': cs('PALETTE COLOR') };
    for (const last of [1, 2, 3]) {
      dataset[`0028110${last}`] = us(8, 0, 16);
      dataset[`0028122${last}`] = segmented;
    }
    const { palette } = describeFrame(dataset, explicitLittleEndian, 0);
    expect([...(palette?.red.values ?? [])]).toEqual([10, 20, 30, 40, 50, 60, 10, 20]);
  });

  it('takes tables that are bulk data from the caller, and names what it needs', () => {
    const uri = '/dicom-web/studies/1/series/2/instances/3/bulkdata/00283010/0/00283006';
    const dataset: DicomJson = {
      ...grey,
      '00283010': sq({ '00283002': us(2, 100, 16), '00283006': { vr: 'OW', BulkDataURI: uri } }),
    };
    expect(bulkDataForRendering(dataset)).toEqual([{ uri, tagPath: '00283010/0/00283006' }]);
    expect(bulkDataForRendering(grey)).toEqual([]);
    expect(() => describeFrame(dataset, explicitLittleEndian, 0)).toThrow(
      expect.objectContaining({ code: 'missing-bulk-data', message: expect.stringContaining('VOI LUT') }),
    );
    const bulkData = new Map([[uri, Uint8Array.of(0, 0, 255, 255)]]);
    expect(describeFrame(dataset, explicitLittleEndian, 0, bulkData).voiLut).toEqual({
      firstInput: 100,
      bits: 16,
      values: Uint16Array.of(0, 65535),
    });
  });

  it('reads pixel padding with the sign of the pixels', () => {
    const dataset = { ...grey, '00280103': us(1), '00280120': us(63536), '00280121': { vr: 'SS', Value: [-1990] } };
    expect(describeFrame(dataset, explicitLittleEndian, 0).padding).toEqual({ first: -2000, last: -1990 });
  });

  it.each([
    ['no-pixels', { '00280010': undefined, '00280011': undefined }],
    ['missing-attribute', { '00280011': undefined }],
    ['missing-attribute', { '00280100': undefined }],
    ['invalid-value', { '00280010': us(0) }],
    ['invalid-value', { '00280010': us(65536) }],
    ['invalid-value', { '00280010': { vr: 'US', Value: ['two'] } }],
    ['invalid-value', { '00280101': us(17) }],
    ['invalid-value', { '00280102': us(16) }],
    ['invalid-value', { '00280102': us(10) }],
    ['unsupported-pixels', { '00280002': us(4) }],
    ['unsupported-pixels', { '00280100': us(12) }],
    ['limit-exceeded', { '00280010': us(20000), '00280011': us(13422) }],
  ])('refuses with %s: %j', (code, change) => {
    const dataset: DicomJson = { ...grey };
    for (const [tag, element] of Object.entries(change)) {
      if (element === undefined) delete dataset[tag];
      else dataset[tag] = element as DicomJson[string];
    }
    expect(() => describeFrame(dataset, explicitLittleEndian, 0)).toThrow(expect.objectContaining({ code }));
  });

  it('allows a frame of exactly 512 MiB', () => {
    const dataset = { ...grey, '00280010': us(16384), '00280011': us(16384) };
    expect(describeFrame(dataset, explicitLittleEndian, 0).rows).toBe(16384);
  });

  it.each([-1, 1, 0.5])('refuses frame index %p of an instance with one frame', (frame) => {
    expect(() => describeFrame(grey, explicitLittleEndian, frame)).toThrow(
      expect.objectContaining({ code: 'invalid-option' }),
    );
  });
});
