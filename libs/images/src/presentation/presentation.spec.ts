import { describe, expect, it } from '@jest/globals';
import type { DicomJson } from '#libs/dicom';
import sharp from 'sharp';
import { bulkDataForRendering } from '../bulk-data.js';
import type { FrameDescription } from '../frame-description.js';
import { plainFrame } from '../plain-frame.fixture.js';
import { renderFrame } from '../render-frame.js';
import type { RenderOptions } from '../render-options.js';
import { readOverlays } from './overlay.js';
import { applyPresentation, presentationStateSopClasses, presentedImages } from './read-presentation.js';

const [rows, columns] = [4, 6];
/** Every pixel tells where it is: ten times the row, and the column. */
const bytes = Uint8Array.from({ length: rows * columns }, (_, i) => 10 * Math.floor(i / columns) + (i % columns));
const asTheyAre = { center: 127.5, width: 255, function: 'LINEAR_EXACT' } as const;
const description = plainFrame({ rows, columns, windows: [asTheyAre] });

const number = (vr: string, ...Value: number[]) => ({ vr, Value });
const text = (vr: string, ...Value: string[]) => ({ vr, Value });
const items = (...Value: DicomJson[]) => ({ vr: 'SQ', Value });
const inline = (...values: number[]) => ({ vr: 'OW', InlineBinary: Buffer.from(values).toString('base64') });

/** Grey rows of the picture. */
async function drawn(options: Partial<RenderOptions>, change: Partial<FrameDescription> = {}, frame = bytes) {
  const png = await renderFrame(frame, { ...description, ...change }, { format: 'png', ...options });
  const { data, info } = await sharp(png).toColourspace('b-w').raw().toBuffer({ resolveWithObject: true });
  return Array.from({ length: info.height }, (_, y) => [...data.subarray(y * info.width, (y + 1) * info.width)]);
}

/** As the state has it. */
async function presented(
  state: DicomJson,
  options: Partial<RenderOptions> = {},
  change: Partial<FrameDescription> = {},
) {
  const image = { sopInstanceUid: '1.2', frameIndex: 0, description: { ...description, ...change }, overlays: [] };
  const applied = applyPresentation(state, image);
  return drawn(
    {
      ...options,
      presentation: applied.presentation,
      overlays: applied.overlays,
      shutterPlanes: applied.planes,
    },
    applied.description,
  );
}

/** Row by row, what a part of the image holds. */
const part = (top: number, left: number, height: number, width: number) =>
  Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => 10 * (top + y) + left + x));

const plain = part(0, 0, rows, columns);
/** Without a VOI step of its own, a state shows all values as they are. */
const bare: DicomJson = {};

describe('overlays', () => {
  const overlay: DicomJson = {
    '60000010': number('US', 2),
    '60000011': number('US', 3),
    '60000050': number('SS', 2, 5),
    '60000100': number('US', 1),
    '60000102': number('US', 0),
    // 1 0 1 / 0 1 0, of which the last column lies outside of the image.
    '60003000': inline(0b010101, 0),
  };

  it('are drawn where they lie, and cut off at the edge', async () => {
    const overlays = readOverlays(overlay, 0);
    const expected = structuredClone(plain);
    expected[1]![4] = 255;
    expected[2]![5] = 255;
    expect(await drawn({ overlays })).toEqual(expected);
  });

  it('may begin outside of the image', async () => {
    // One row up and one column left: of what is set, the pixel in the middle of the second row is seen.
    const overlays = readOverlays({ ...overlay, '60000050': number('SS', 0, 0) }, 0);
    const expected = structuredClone(plain);
    expected[0]![0] = 255;
    expect(await drawn({ overlays })).toEqual(expected);
  });

  it('of several frames go with theirs', () => {
    const cine = {
      ...overlay,
      '60000015': number('IS', 2),
      '60000051': number('US', 3),
      '60003000': inline(0xc1, 0x0f),
    };
    expect(readOverlays(cine, 1)).toEqual([]);
    expect(readOverlays(cine, 2)).toMatchObject([{ bitOffset: 0 }]);
    expect(readOverlays(cine, 3)).toMatchObject([{ bitOffset: 6 }]);
    expect(readOverlays(cine, 4)).toEqual([]);
  });

  it.each([0, 2] as const)('of old lie in bits of the image itself (byte order %s)', async (swapWordBytes) => {
    const words = Uint16Array.from(bytes, (value, i) => value | (i === 7 ? 0x8000 : 0) | (i === 8 ? 0x4000 : 0));
    const frame = Buffer.from(words.buffer);
    if (swapWordBytes === 2) frame.swap16();
    const dataset = {
      ...overlay,
      '60000010': number('US', rows),
      '60000011': number('US', columns),
      '60000050': number('SS', 1, 1),
      '60000100': number('US', 16),
      '60000102': number('US', 15),
    };
    delete (dataset as DicomJson)['60003000'];
    const expected = structuredClone(plain);
    expected[1]![1] = 255;
    const layout = { bitsAllocated: 16, bitsStored: 12, highBit: 11, swapWordBytes };
    const transferSyntaxUid = swapWordBytes === 2 ? '1.2.840.10008.1.2.2' : '1.2.840.10008.1.2.1';
    expect(await drawn({ overlays: readOverlays(dataset, 0) }, { ...layout, transferSyntaxUid }, frame)).toEqual(
      expected,
    );
  });

  it('that are bulk data are named, and say when they are too short', () => {
    const dataset = { ...overlay, '60003000': { vr: 'OW', BulkDataURI: 'there' } };
    expect(bulkDataForRendering(dataset)).toEqual([{ uri: 'there', tagPath: '60003000' }]);
    expect(() => readOverlays(dataset, 0, new Map([['there', new Uint8Array(0)]]))).toThrow(/needs? 1|need 1/);
  });
});

describe('presentation states', () => {
  it('turn clockwise, then flip', async () => {
    expect(await presented({ ...bare, '00700042': number('US', 90) })).toEqual(
      Array.from({ length: columns }, (_, x) => Array.from({ length: rows }, (_, y) => 10 * (rows - 1 - y) + x)),
    );
    expect(await presented({ ...bare, '00700042': number('US', 180) })).toEqual(
      plain.map((row) => row.toReversed()).toReversed(),
    );
    const flipped = { ...bare, '00700041': text('CS', 'Y') };
    expect(await presented(flipped)).toEqual(plain.map((row) => row.toReversed()));
    expect(await presented({ ...flipped, '00700042': number('US', 270) })).toEqual(
      Array.from({ length: columns }, (_, x) => Array.from({ length: rows }, (_, y) => 10 * y + columns - 1 - x)).map(
        (row) => row.toReversed(),
      ),
    );
  });

  it('show the area that they name, black beyond the edge; a region asked for goes before it', async () => {
    const area = (...corners: [number, number, number, number]): DicomJson => ({
      '0070005A': items({
        '00700052': number('SL', corners[0], corners[1]),
        '00700053': number('SL', corners[2], corners[3]),
      }),
    });
    expect(await presented(area(2, 2, 4, 3))).toEqual(part(1, 1, 2, 3));
    expect(await presented(area(0, 1, 2, 2))).toEqual([
      [0, 0, 1],
      [0, 10, 11],
    ]);
    const source = { x: 3, y: 2, width: 2, height: 2 };
    expect(await presented(area(2, 2, 4, 3), { viewport: { width: 2, height: 2, source } })).toEqual(part(2, 3, 2, 2));
  });

  it('say which values are seen, whatever the image says', async () => {
    const state = {
      '00281052': number('DS', -10),
      '00281053': number('DS', 1),
      '00283110': items({
        '00281050': number('DS', 10),
        '00281051': number('DS', 10),
        '00281056': text('CS', 'LINEAR_EXACT'),
      }),
      '20500020': text('CS', 'INVERSE'),
    };
    const seen = await presented(state, {}, { photometricInterpretation: 'MONOCHROME1' });
    const grey = (stored: number) => Math.round((1 - Math.min(Math.max((stored - 10 - 10) / 10 + 0.5, 0), 1)) * 255);
    expect(seen).toEqual(plain.map((row) => row.map(grey)));
  });

  it('have a VOI LUT for some images, and a table behind it', async () => {
    const lut = (values: number[]) => ({
      '00283002': number('US', values.length, 0, 8),
      '00283006': { ...inline(...values.flatMap((value) => [value, 0])) },
    });
    const forThis = {
      '00081140': items({ '00081155': text('UI', '1.2') }),
      '00283010': items(lut(Array.from({ length: 64 }, (_, i) => 255 - 4 * i))),
    };
    const forOthers = {
      '00081140': items({ '00081155': text('UI', '1.3') }),
      '00281050': number('DS', 1),
      '00281051': number('DS', 1),
    };
    const state = { '00283110': items(forOthers, forThis), '20500010': items(lut([0, 255])) };
    const seen = await presented(state);
    // The table has two entries: dark and bright.
    expect(seen).toEqual(plain.map((row) => row.map((value) => ((255 - 4 * value) / 255 >= 0.5 ? 255 : 0))));
  });

  it.each([
    [
      'RECTANGULAR',
      {
        '00181602': number('IS', 2),
        '00181604': number('IS', 3),
        '00181606': number('IS', 2),
        '00181608': number('IS', 3),
      },
    ],
    ['POLYGONAL', { '00181620': number('IS', 1, 1, 1, 4, 4, 4, 4, 1) }],
    ['CIRCULAR', { '00181610': number('IS', 2, 3), '00181612': number('IS', 1) }],
  ])('hide what lies outside of a shutter: %s', async (shape, more) => {
    const seen = await presented({ ...bare, '00181600': text('CS', shape), '00181622': number('US', 65535), ...more });
    const isOpen = {
      RECTANGULAR: (x: number, y: number) => x >= 1 && x <= 2 && y >= 1 && y <= 2,
      POLYGONAL: (x: number, y: number) => x < 3 && y < 3,
      CIRCULAR: (x: number, y: number) => Math.abs(x - 2) + Math.abs(y - 1) <= 1,
    }[shape as 'CIRCULAR'];
    expect(seen).toEqual(plain.map((row, y) => row.map((value, x) => (isOpen(x, y) ? value : 255))));
  });

  it('show overlays of their own on a layer, and close a shutter by one', async () => {
    const plane = (group: string, bits: number[]): DicomJson => ({
      [`${group}0010`]: number('US', rows),
      [`${group}0011`]: number('US', columns),
      [`${group}0050`]: number('SS', 1, 1),
      [`${group}3000`]: inline(...bits),
    });
    const layer = { '60021001': text('CS', 'NOTES') };
    const state = {
      ...plane('6000', [0b1, 0, 0]),
      ...plane('6002', [0b10, 0, 0]),
      ...plane('6004', [0b1000000, 0, 0]),
      ...layer,
      '00181600': text('CS', 'BITMAP'),
      '00181623': number('US', 0x6004),
      '00181622': number('US', 32768),
    };
    const expected = structuredClone(plain);
    expected[0]![1] = 255;
    expected[1]![0] = 128;
    expect(await presented(state)).toEqual(expected);
  });

  it('draw lines where the image is, also when it is turned and enlarged', async () => {
    const line = (...points: number[]): DicomJson => ({
      '00700001': items({
        '00700009': items({
          '00700005': text('CS', 'PIXEL'),
          '00700021': number('US', points.length / 2),
          '00700022': number('FL', ...points),
          '00700023': text('CS', 'POLYLINE'),
        }),
      }),
    });
    const viewport = { width: 60, height: 60 };
    const black = { windows: [{ center: 300, width: 1, function: 'LINEAR_EXACT' as const }] };
    const dark = { '00283110': items({ '00281050': number('DS', 300), '00281051': number('DS', 2) }) };
    const bright = (picture: number[][], x: number, y: number) => picture[y]![x]! > 100;
    // Along the lower edge of the top row, from the left to the middle.
    const straight = await presented({ ...dark, ...line(0, 1, 3, 1) }, { viewport }, black);
    expect([straight[0]!.length, straight.length]).toEqual([60, 40]);
    expect([bright(straight, 15, 10), bright(straight, 45, 10), bright(straight, 15, 20)]).toEqual([
      true,
      false,
      false,
    ]);
    // Turned clockwise it is a little left of the right edge, in the upper half.
    const turned = await presented({ ...dark, ...line(0, 1, 3, 1), '00700042': number('US', 90) }, { viewport }, black);
    expect([turned[0]!.length, turned.length]).toEqual([40, 60]);
    expect([bright(turned, 30, 15), bright(turned, 30, 45), bright(turned, 20, 15)]).toEqual([true, false, false]);
  });

  it('give a grey image false colours, from the lowest brightness to the highest', async () => {
    const sopClass = '1.2.840.10008.5.1.4.1.1.11.3';
    const words = (...values: number[]) => inline(...values.flatMap((value) => [value & 255, value >> 8]));
    const state: DicomJson = {
      '00080016': text('UI', sopClass),
      '00283110': items({
        '00281050': number('DS', 30),
        '00281051': number('DS', 60),
        '00281056': text('CS', 'LINEAR_EXACT'),
      }),
      // Four colours: black, red, a green that is half, and white. Entries of 16 bits.
      '00281101': number('US', 4, 0, 16),
      '00281102': number('US', 4, 0, 16),
      '00281103': number('US', 4, 0, 16),
      '00281201': words(0, 0xffff, 0, 0xffff),
      '00281202': words(0, 0, 0x8000, 0xffff),
      '00281203': words(0, 0, 0, 0xffff),
    };
    expect(presentationStateSopClasses).toContain(sopClass);
    for (const photometricInterpretation of ['MONOCHROME2', 'MONOCHROME1']) {
      const grey = { ...description, photometricInterpretation, rows: 1, columns: 5 };
      const image = { sopInstanceUid: '1.2', frameIndex: 0, description: grey, overlays: [] };
      const applied = applyPresentation(state, image);
      const { presentation } = applied;
      const png = await renderFrame(Uint8Array.of(0, 20, 40, 60, 200), applied.description, {
        format: 'png',
        presentation,
      });
      const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
      expect(info.channels).toBe(3);
      expect([...data]).toEqual([0, 0, 0, 255, 0, 0, 0, 128, 0, 255, 255, 255, 255, 255, 255]);
    }
    const bulk = { ...state, '00281202': { vr: 'OW', BulkDataURI: 'green' } };
    expect(bulkDataForRendering(bulk)).toEqual([{ uri: 'green', tagPath: '00281202' }]);
  });

  it('write text, and draw every kind of graphic', async () => {
    const graphic = (kind: string, ...points: number[]): DicomJson => ({
      '00700005': text('CS', 'DISPLAY'),
      '00700022': number('FL', ...points),
      '00700023': text('CS', kind),
    });
    const viewport = { width: 120, height: 120 };
    const dark = { '00283110': items({ '00281050': number('DS', 300), '00281051': number('DS', 2) }) };
    const inkOf = async (annotation: DicomJson): Promise<number> =>
      (await presented({ ...dark, '00700001': items(annotation) }, { viewport })).flat().filter((grey) => grey > 60)
        .length;
    for (const each of [
      graphic('POINT', 0.5, 0.5),
      graphic('CIRCLE', 0.5, 0.5, 0.5, 0.8),
      graphic('ELLIPSE', 0.1, 0.5, 0.9, 0.5, 0.5, 0.3, 0.5, 0.7),
      graphic('INTERPOLATED', 0.1, 0.1, 0.5, 0.9, 0.9, 0.1),
    ]) {
      expect(await inkOf({ '00700009': items(each) })).toBeGreaterThan(8);
    }
    const anchored = {
      '00700006': text('ST', 'Nodule\r\n12 mm'),
      '00700014': number('FL', 3, 2),
      '00700004': text('CS', 'PIXEL'),
    };
    expect(await inkOf({ '00700008': items(anchored) })).toBeGreaterThan(30);
    expect(await inkOf({ '00700009': items(graphic('SPIRAL', 0, 0)) })).toBe(0);
  });

  it('draw a layer in its colour', async () => {
    // CIELab of pure red.
    const lab = [53.23, 80.1, 67.2];
    const layer = {
      '00700002': text('CS', 'RED'),
      '00700401': number(
        'US',
        Math.round(lab[0]! * 655.35),
        ...lab.slice(1).map((v) => Math.round(((v + 128) / 255) * 65535)),
      ),
    };
    const box = {
      '00700005': text('CS', 'DISPLAY'),
      '00700022': number('FL', 0, 0, 1, 0, 1, 1, 0, 1, 0, 0),
      '00700023': text('CS', 'POLYLINE'),
      '00700024': text('CS', 'Y'),
    };
    const state = {
      '00700060': items(layer),
      '00700001': items({ '00700002': text('CS', 'RED'), '00700009': items(box) }),
    };
    const image = { sopInstanceUid: '1.2', frameIndex: 0, description, overlays: [] };
    const { presentation, description: changed } = applyPresentation(state, image);
    const png = await renderFrame(bytes, changed, { format: 'png', presentation });
    const [red, green, blue] = await sharp(png).extract({ left: 2, top: 2, width: 1, height: 1 }).raw().toBuffer();
    expect([red! > 240, green! < 40, blue! < 40]).toEqual([true, true, true]);
  });

  it('name the images they are about', () => {
    const reference = { '00081155': text('UI', '1.2'), '00081160': number('IS', 3, 4) };
    const state = { '00081115': items({ '0020000E': text('UI', '1.1'), '00081140': items(reference) }) };
    expect(presentedImages(state)).toEqual([{ seriesInstanceUid: '1.1', sopInstanceUid: '1.2', frameNumbers: [3, 4] }]);
  });
});
