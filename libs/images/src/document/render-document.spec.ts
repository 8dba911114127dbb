import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import { afterAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { ImageService } from '../image-service.js';
import { makePdf, pdfStream } from './pdf.fixture.js';
import { renderDocument } from './render-document.js';

/** Red below, blue above, white at the right; a black word on the white. */
const colored = {
  width: 200,
  height: 100,
  content: '1 0 0 rg 0 0 100 50 re f 0 0 1 rg 0 50 100 50 re f 0 g BT /Helvetica 30 Tf 110 35 Td (Hallo) Tj ET',
};
const other = { width: 300, height: 300, content: '0 1 0 rg 0 0 300 300 re f' };

async function pixelsOf(picture: Buffer) {
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)];
  let darkest = 255;
  for (let y = 0; y < info.height; y++) {
    for (let x = Math.ceil(info.width / 2) + 1; x < info.width; x++) darkest = Math.min(darkest, ...at(x, y));
  }
  return { width: info.width, height: info.height, at, darkest };
}

describe('renderDocument', () => {
  it('draws the first page as it is, its text in a font that it does not bring', async () => {
    const viewport = { width: 400, height: 400 };
    const shown = await pixelsOf(await renderDocument(makePdf([colored, other]), { format: 'png', viewport }));
    expect([shown.width, shown.height]).toEqual([400, 200]);
    expect(shown.at(50, 150)).toEqual([255, 0, 0]);
    expect(shown.at(50, 50)).toEqual([0, 0, 255]);
    expect(shown.at(390, 190)).toEqual([255, 255, 255]);
    expect(shown.darkest).toBeLessThan(40);
  });

  it('draws 150 dots an inch without a viewport, and no page larger than 4096 pixels a side', async () => {
    const natural = await pixelsOf(await renderDocument(makePdf([colored]), { format: 'jpeg' }));
    expect([natural.width, natural.height]).toEqual([417, 208]);
    // Ten metres by ten centimetres.
    const long = makePdf([{ ...other, width: 28_346, height: 283 }]);
    expect(await sharp(await renderDocument(long, { format: 'png' })).metadata()).toMatchObject({
      width: 4096,
      height: 41,
    });
    const viewport = { width: 100, height: 100 };
    const thin = await renderDocument(makePdf([{ ...other, width: 14_400, height: 3 }]), { format: 'png', viewport });
    expect(await sharp(thin).metadata()).toMatchObject({ width: 100, height: 1 });
  });

  it('draws a part of the page at the size asked for, flipped where its size is negative', async () => {
    // 417 x 208 pixels without a viewport: the border between red and blue at 104, that to white at 208.
    const part = async (source: { x: number; y: number; width: number; height: number }, width = 100, height = 100) =>
      pixelsOf(await renderDocument(makePdf([colored]), { format: 'png', viewport: { width, height, source } }));
    const red = await part({ x: 10, y: 120, width: 50, height: 50 });
    expect([red.width, red.height]).toEqual([100, 100]);
    expect([red.at(1, 1), red.at(98, 98)]).toEqual([
      [255, 0, 0],
      [255, 0, 0],
    ]);
    const both = await part({ x: 0, y: 84, width: 40, height: 40 });
    expect([both.at(50, 10), both.at(50, 90)]).toEqual([
      [0, 0, 255],
      [255, 0, 0],
    ]);
    const flipped = await part({ x: 0, y: 84, width: 40, height: -40 });
    expect([flipped.at(50, 10), flipped.at(50, 90)]).toEqual([
      [255, 0, 0],
      [0, 0, 255],
    ]);
    // One pixel of a page, a thousand times as large: drawn as large as pages may be.
    const grain = await part({ x: 20, y: 20, width: 1, height: 1 }, 1000, 1000);
    expect([grain.width, grain.at(500, 500)]).toEqual([1000, [0, 0, 255]]);
    await expect(part({ x: 5000, y: 0, width: 10, height: 10 })).rejects.toMatchObject({ code: 'invalid-option' });
  });

  it.each([
    ['malformed', 'damaged', Buffer.concat([Buffer.from('%PDF-1.4\n'), Buffer.alloc(5000, 'x')])],
    ['malformed', 'damaged', Buffer.alloc(0)],
    ['malformed', 'damaged', makePdf([colored]).subarray(0, 60)],
    ['no-pixels', 'no pages', makePdf([])],
    [
      'unsupported-pixels',
      'encrypted',
      makePdf([colored], {
        trailer: `/ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <${'5a'.repeat(32)}> /U <${'a5'.repeat(32)}> >>`,
      }),
    ],
  ])('refuses as %s what is no page (%s)', async (code, reason, bytes) => {
    const refused = renderDocument(bytes, { format: 'png' });
    await expect(refused).rejects.toMatchObject({ code });
    await expect(refused).rejects.toThrow(reason);
  });
});

describe('a hostile document', () => {
  const service = new ImageService({ workers: 1, timeoutMilliseconds: 5000, memoryBytesMax: 2 ** 30 });
  afterAll(() => service.close());
  const thumbnail = { format: 'png', viewport: { width: 50, height: 50 } } as const;
  const isDrawn = async () => {
    const shown = await pixelsOf(await service.renderDocument(makePdf([other]), thumbnail));
    expect(shown.at(25, 25)).toEqual([0, 255, 0]);
  };

  it('that has endless work in few bytes fails alone', async () => {
    // Each form draws the next one fifty times.
    const depth = 12;
    const more = Array.from({ length: depth }, (_, at) =>
      pdfStream(
        `/Type /XObject /Subtype /Form /BBox [0 0 300 300] /Resources << /XObject << /F ${101 + at} 0 R >> >>`,
        at === depth - 1 ? '1 0 0 rg 0 0 300 300 re f' : '/F Do '.repeat(50),
      ),
    );
    const hostile = makePdf([{ ...other, content: '/F Do' }], { more, resources: '/XObject << /F 100 0 R >>' });
    expect(hostile.length).toBeLessThan(10_000);
    // Whichever of its limits it reaches first.
    const code = expect.stringMatching(/^(timed-out|out-of-memory)$/);
    await expect(service.renderDocument(hostile, thumbnail)).rejects.toMatchObject({ code });
    await isDrawn();
  });

  it('that swells when it is unpacked harms nothing', async () => {
    // 256 MB of zeros, deflated twice, said to be 5 GB.
    const bomb = deflateSync(deflateSync(Buffer.alloc(2 ** 28))).toString('latin1');
    const image = `/Type /XObject /Subtype /Image /Width 40000 /Height 40000 /BitsPerComponent 8 /ColorSpace /DeviceRGB`;
    const more = [pdfStream(`${image} /Filter [/FlateDecode /FlateDecode]`, bomb)];
    const content = '300 0 0 300 0 0 cm /I Do';
    const hostile = makePdf([{ ...other, content }], { more, resources: '/XObject << /I 100 0 R >>' });
    expect(hostile.length).toBeLessThan(100_000);
    // Drawn as far as its image goes, or refused: what counts is the next one.
    await service.renderDocument(hostile, thumbnail).catch(() => undefined);
    await isDrawn();
  });
});

const folder = path.resolve(import.meta.dirname, '../../../../../shared/data/dicom/encapsulated-pdf');
if (!existsSync(folder)) console.warn('Real documents are not drawn: there are none beside this repository.');
(existsSync(folder) ? describe : describe.skip)('real documents', () => {
  it.each([
    ['pdf.dcm', 256, 198],
    ['sample-pdf.dcm', 198, 256],
    ['flair-wmh-report/report-0001.dcm', 181, 256],
  ])('%s: its first page, with ink on it', async (name, width, height) => {
    const bytes = readFileSync(path.join(folder, name));
    const document = bytes.subarray(bytes.indexOf('%PDF'));
    const shown = await renderDocument(document, { format: 'png', viewport: { width: 256, height: 256 } });
    const { channels } = await sharp(shown).stats();
    expect(await sharp(shown).metadata()).toMatchObject({ width, height });
    expect(channels[0]!.min).toBeLessThan(160);
    expect(channels[0]!.max).toBeGreaterThan(200);
  });
});
