import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { findBulkData, readFrameRange, readPart10, type DicomJson } from '#libs/dicom';
import { bulkDataForRendering } from './bulk-data.js';
import { readCodestreamHeader } from './codestream-header.js';
import { decodeFrame } from './decode-frame.js';
import { describeFrame } from './describe-frame.js';
import { renderFrame } from './render-frame.js';
import { renderTiledLevel } from './render-tiled-level.js';
import { tilePosition } from './tile-position.js';
import { readChannels, standardLeads } from './waveform/read-waveform.js';
import { renderWaveform } from './waveform/render-waveform.js';

/** Files of vendors and other projects, kept beside the repository; without them these tests are skipped. */
const shared = fileURLToPath(new URL('../../../../shared/data/dicom/', import.meta.url));
const describeShared = existsSync(shared) ? describe : describe.skip;

interface Instance {
  dataset: DicomJson;
  transferSyntaxUid: string;
  bulkData: Map<string, Uint8Array>;
  frame: (index: number) => Uint8Array;
}

function open(file: string): Instance {
  const bytes = readFileSync(path.join(shared, file));
  const { dataset, transferSyntaxUid, frames } = readPart10(bytes);
  const bulkData = new Map<string, Uint8Array>();
  for (const { uri, tagPath } of bulkDataForRendering(dataset)) {
    const place = findBulkData(bytes, tagPath);
    if (place) bulkData.set(uri, bytes.subarray(place.offset, place.offset + place.length));
  }
  const frame = (index: number): Uint8Array => {
    if (frames.kind === 'native') {
      const bit = index * frames.frameBits;
      const end = frames.pixelDataOffset + Math.min(frames.pixelDataLength, Math.ceil((bit + frames.frameBits) / 8));
      return bytes.subarray(frames.pixelDataOffset + Math.floor(bit / 8), end);
    }
    if (frames.kind !== 'encapsulated') throw new Error(`${file} has no frames to be read by place: ${frames.kind}`);
    const { offset, length, fragments } = readFrameRange(frames.entries, index);
    if (fragments === 1) return bytes.subarray(offset, offset + length);
    const parts: Buffer[] = [];
    for (let at = offset; at < offset + length;) {
      const size = bytes.readUInt32LE(at + 4);
      parts.push(bytes.subarray(at + 8, at + 8 + size));
      at += 8 + size;
    }
    return Buffer.concat(parts);
  };
  return { dataset, transferSyntaxUid, bulkData, frame };
}

async function decode(file: string, index = 0) {
  const instance = open(file);
  const description = describeFrame(instance.dataset, instance.transferSyntaxUid, index, instance.bulkData);
  return { description, pixels: await decodeFrame(instance.frame(index), description) };
}

/** The largest difference of two frames, sample by sample. */
function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs((a[i] as number) - (b[i] as number)));
  return worst;
}

describeShared('real files', () => {
  const ct = (name: string) => `transfer-syntaxes/one-ct-every-syntax/CTImage.dcm_${name}.dcm`;
  const plain = ct('LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1');

  it.each([
    'LittleEndianImplicitTransferSyntax_1.2.840.10008.1.2',
    'BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2',
    'RLELosslessTransferSyntax_1.2.840.10008.1.2.5',
    'JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57',
    'JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70',
    'JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80',
    'JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90',
  ])('the same CT, stored as %s, has the same values', async (name) => {
    const [reference, other] = [await decode(plain), await decode(ct(name))];
    expect(worst(other.pixels.data, reference.pixels.data)).toBe(0);
    expect(other.description.windows).toEqual(reference.description.windows);
  });

  it.each([
    ['JPEGLSLossyTransferSyntax_1.2.840.10008.1.2.4.81', 3],
    ['JPEG2000TransferSyntax_1.2.840.10008.1.2.4.91', 40],
  ])('the same CT, stored with loss as %s, has nearly the same values', async (name, limit) => {
    const [reference, other] = [await decode(plain), await decode(ct(name))];
    expect(worst(other.pixels.data, reference.pixels.data)).toBeLessThanOrEqual(limit);
    expect(worst(other.pixels.data, reference.pixels.data)).toBeGreaterThan(0);
  });

  it.each(['transfer-syntaxes/htj2k/ct12-htj2k-lossless.dcm', 'transfer-syntaxes/htj2k/ct12-htj2k-lossless-rpcl.dcm'])(
    'HTJ2K and JPEG XL of one CT agree: %s',
    async (file) => {
      const other = await decode('transfer-syntaxes/jpegxl/ct12-jxl-lossless.dcm');
      expect(worst((await decode(file)).pixels.data, other.pixels.data)).toBe(0);
    },
  );

  it('JPEG-LS with its colours by plane, by line and by sample is the same picture', async () => {
    const { description: any } = await decode('odd/pydicom/SC_rgb_rle.dcm');
    const [plane, line, sample] = await Promise.all(
      [0, 1, 2].map((mode) => {
        // These objects have no UIDs, and are no instances; their codestream is what is of interest.
        const bytes = readFileSync(path.join(shared, `transfer-syntaxes/jpeg-ls/JLSL_RGB_ILV${mode}.dcm`));
        const codestream = bytes.subarray(bytes.indexOf(Buffer.of(0xff, 0xd8, 0xff)));
        const { rows, columns, interleave } = readCodestreamHeader(codestream);
        expect(interleave).toBe(mode);
        return decodeFrame(codestream, { ...any, rows, columns, transferSyntaxUid: '1.2.840.10008.1.2.4.80' });
      }),
    );
    expect(plane?.photometricInterpretation).toBe('RGB');
    expect(worst(plane?.data ?? [], sample?.data ?? [])).toBe(0);
    expect(worst(line?.data ?? [], sample?.data ?? [])).toBe(0);
  });

  it.each(['jpeg_lossless.57', 'jpeg_lossless.70', 'jpeg_ls.80', 'jpeg_ls.81'])(
    'both frames of a CT in fragments without an offset table are whole: %s',
    async (name) => {
      const file = `transfer-syntaxes/fragments/CT0012.fragmented_no_bot_${name}.dcm`;
      for (const frame of [0, 1]) {
        const reference = await decode('transfer-syntaxes/fragments/CT0012.not_fragmented_bot_rle.dcm', frame);
        const { pixels } = await decode(file, frame);
        expect(worst(pixels.data, reference.pixels.data)).toBeLessThanOrEqual(name.endsWith('81') ? 2 : 0);
      }
    },
  );

  it('the five kinds of one-bit segmentation frames are the same', async () => {
    const frames = (name: string) =>
      Promise.all([0, 1, 2].map((frame) => decode(`seg/pydicom-liver/${name}.dcm`, frame)));
    const reference = await frames('liver_rle');
    for (const name of ['liver_deflate', 'liver_j2k']) {
      (await frames(name)).forEach(({ pixels }, i) =>
        expect(worst(pixels.data, reference[i]?.pixels.data ?? [])).toBe(0),
      );
    }
    const cut = await frames('liver_nonbyte_aligned_rle');
    for (const name of ['liver_nonbyte_aligned_deflate']) {
      (await frames(name)).forEach(({ pixels }, i) => expect(worst(pixels.data, cut[i]?.pixels.data ?? [])).toBe(0));
    }
  });

  it('colour bars are red, green and blue in every encoding of colour', async () => {
    const files = readdirSync(path.join(shared, 'odd/pydicom')).filter((name) =>
      /^SC_rgb_(dcmtk__eb|rle|jpeg_dcmtk|jpeg_gdcm|jpeg_lossy_gdcm|gdcm_KY)|^SC_ybr_full_422/.test(name),
    );
    expect(files.length).toBeGreaterThan(12);
    for (const file of files) {
      const instance = open(`odd/pydicom/${file}`);
      const description = describeFrame(instance.dataset, instance.transferSyntaxUid, 0);
      const png = await renderFrame(instance.frame(0), description, { format: 'png' });
      const picture = await sharp(png).raw().toBuffer();
      const at = (row: number) => [...picture.subarray((row * 100 + 50) * 3, (row * 100 + 50) * 3 + 3)];
      [
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 255],
      ].forEach((color, i) => {
        // In the middle of the first, third and fifth of ten bars.
        expect([file, worst(at(i * 20 + 5), color) <= 5]).toEqual([file, true]);
      });
    }
  });

  it('shows what was compressed with a lossy transform at the edge of its range as bright, not as black', async () => {
    const { pixels, description } = await decode('cr-dx/other/RG3_JPLY');
    expect(description.bitsStored).toBe(10);
    let highest = 0;
    for (const value of pixels.data) highest = Math.max(highest, value);
    expect(highest).toBe(1023);
  });

  it('draws an ECG as twelve leads', async () => {
    const { dataset, bulkData } = open('ecg/waveform_ecg.dcm');
    const names = readChannels(dataset, 10, bulkData).map(({ name, unit }) => `${name} ${unit}`);
    expect(names).toEqual(expect.arrayContaining(standardLeads.map((lead) => `${lead} mV`)));
    const png = await renderWaveform(dataset, { format: 'png' }, bulkData);
    expect(await sharp(png).metadata()).toMatchObject({ width: 1620, height: 816 });
  });

  it('renders tiles of a slide, and a whole small level', async () => {
    const file = 'sm-pathology/mouse-pyramid-5-levels/level-0004.dcm';
    const { dataset, transferSyntaxUid, frame } = open(file);
    const number = (tag: string) => Number(dataset[tag]?.Value?.[0]);
    const [columns, rows] = [number('00480006'), number('00480007')];
    const tiles = Array.from({ length: number('00280008') }, (_, i) => ({
      bytes: frame(i),
      description: describeFrame(dataset, transferSyntaxUid, i),
      ...tilePosition(dataset, i),
    }));
    const level = await renderTiledLevel(tiles, columns, rows, {
      format: 'jpeg',
      viewport: { width: 512, height: 512 },
    });
    const small = await sharp(level).resize(250, 176, { fit: 'fill' }).removeAlpha().raw().toBuffer();

    // The next level shows the same slide at a quarter of the size: tiles in the wrong places would not look like it.
    const above = open('sm-pathology/mouse-pyramid-5-levels/level-0006.dcm');
    const description = describeFrame(above.dataset, above.transferSyntaxUid, 0);
    const whole = await renderFrame(above.frame(0), description, {
      format: 'png',
      viewport: { width: 375, height: 264, source: { x: 0, y: 0, width: 375, height: 264 } },
    });
    const expected = await sharp(whole).resize(250, 176, { fit: 'fill' }).removeAlpha().raw().toBuffer();
    let differing = 0;
    for (let i = 0; i < small.length; i++) {
      if (Math.abs((small[i] as number) - (expected[i] as number)) > 20) differing += 1;
    }
    expect(differing / small.length).toBeLessThan(0.005);
  });
});
