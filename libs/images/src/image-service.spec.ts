import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { plainFrame } from './plain-frame.fixture.js';
import type { FrameDescription } from './frame-description.js';
import { ImageService } from './image-service.js';
import { renderFrame } from './render-frame.js';

const built = new URL('../../../dist/libs/images/src/decode-worker.js', import.meta.url);

function makeDescription(rows: number, columns: number, change: Partial<FrameDescription> = {}): FrameDescription {
  const windows: FrameDescription['windows'] = [{ center: 127.5, width: 255, function: 'LINEAR_EXACT' }];
  return plainFrame({ rows, columns, windows, ...change });
}

beforeAll(() => {
  if (!existsSync(built)) throw new Error('These tests start compiled workers: npm run build first (npm test does).');
});

describe('ImageService', () => {
  const service = new ImageService({ workers: 2, timeoutMilliseconds: 60_000 });
  afterAll(() => service.close());

  it('decodes to typed arrays, and renders what renderFrame renders', async () => {
    const sixteen = makeDescription(1, 2, { bitsAllocated: 16, bitsStored: 16, highBit: 15, pixelRepresentation: 1 });
    const pixels = await service.decodeFrame(new Uint8Array(Int16Array.of(-1000, 7).buffer), sixteen);
    expect(pixels).toEqual({
      data: Int16Array.of(-1000, 7),
      rows: 1,
      columns: 2,
      samplesPerPixel: 1,
      photometricInterpretation: 'MONOCHROME2',
    });

    const bytes = Uint8Array.from({ length: 64 * 64 }, (_, i) => i % 256);
    const options = { format: 'png', viewport: { width: 16, height: 16 } } as const;
    const [there, here] = await Promise.all([
      service.renderFrame(bytes, makeDescription(64, 64), options),
      renderFrame(bytes, makeDescription(64, 64), options),
    ]);
    expect(Buffer.compare(there, here)).toBe(0);
  });

  it('gives frames in other transfer syntaxes, colours as they are stored', async () => {
    const ybr = makeDescription(1, 2, { samplesPerPixel: 3, photometricInterpretation: 'YBR_FULL_422' });
    const bytes = Uint8Array.of(76, 76, 85, 255);
    const native = await service.transcodeFrame(bytes, ybr, '1.2.840.10008.1.2.1');
    expect([...native.bytes]).toEqual([76, 85, 255, 76, 85, 255]);
    expect(native.photometricInterpretation).toBe('YBR_FULL');
    const rle = '1.2.840.10008.1.2.5';
    const encoded = await service.transcodeFrame(bytes, ybr, rle);
    const description = { ...ybr, transferSyntaxUid: rle, photometricInterpretation: 'YBR_FULL' };
    expect(await service.transcodeFrame(encoded.bytes, description, '1.2.840.10008.1.2.1')).toEqual(native);
  });

  it('composes levels and draws waveforms', async () => {
    const tile = { bytes: Uint8Array.of(9), description: makeDescription(1, 1), columnOffset: 0, rowOffset: 0 };
    const level = await service.renderTiledLevel([tile], 3, 2, { format: 'png' });
    expect(await sharp(level).metadata()).toMatchObject({ width: 3, height: 2 });

    const group = {
      '003A0005': { vr: 'US', Value: [1] },
      '003A0010': { vr: 'UL', Value: [2] },
      '003A001A': { vr: 'DS', Value: [100] },
      '003A0200': { vr: 'SQ', Value: [{ '003A0203': { vr: 'SH', Value: ['I'] } }] },
      '54001004': { vr: 'US', Value: [16] },
      '54001006': { vr: 'CS', Value: ['SS'] },
      '54001010': { vr: 'OW', BulkDataURI: 'here' },
    };
    const dataset = {
      '54000100': { vr: 'SQ', Value: [group] },
      '00100010': { vr: 'PN', Value: [{ Alphabetic: 'Doe^J' }] },
    };
    const svg = await service.renderWaveform(dataset, { format: 'svg' }, new Map([['here', new Uint8Array(4)]]));
    expect(svg.toString()).toMatch(/^<svg/);
    await expect(service.renderWaveform({}, { format: 'svg' })).rejects.toMatchObject({ code: 'no-pixels' });
  });

  it('throws the same ImageError as the function', async () => {
    await expect(service.decodeFrame(new Uint8Array(3), makeDescription(2, 2))).rejects.toMatchObject({
      name: 'ImageError',
      code: 'truncated',
      message: 'A frame of 2 x 2 pixels needs 4 bytes; there are 3.',
    });
    const uid = { transferSyntaxUid: '1.2.3' };
    await expect(service.decodeFrame(new Uint8Array(4), makeDescription(2, 2, uid))).rejects.toMatchObject({
      code: 'unsupported-transfer-syntax',
    });
  });

  it("shows nothing of one patient in another's picture, many at once", async () => {
    const shades = Array.from({ length: 60 }, (_, i) => (i * 37) % 256);
    const pictures = await Promise.all(
      shades.map(async (shade, i) => {
        // Every third frame is broken, and of another shade.
        if (i % 3 === 2) {
          await expect(
            service.decodeFrame(new Uint8Array(100).fill(255 - shade), makeDescription(32, 32)),
          ).rejects.toThrow();
        }
        return service.decodeFrame(new Uint8Array(32 * 32).fill(shade), makeDescription(32, 32));
      }),
    );
    pictures.forEach(({ data }, i) => {
      expect(data).toEqual(new Uint8Array(32 * 32).fill(shades[i] as number));
      expect(data.buffer.byteLength).toBeLessThan(2 * 32 * 32);
    });
  });
});

describe('ImageService at its limits', () => {
  const services: ImageService[] = [];
  const makeService = (options: ConstructorParameters<typeof ImageService>[0]): ImageService => {
    const service = new ImageService({ workers: 1, ...options });
    services.push(service);
    return service;
  };
  afterEach(() => Promise.all(services.splice(0).map((service) => service.close())));

  it('stops a picture that takes too long', async () => {
    const service = makeService({ timeoutMilliseconds: 1 });
    const bytes = Uint8Array.from({ length: 2000 * 2000 }, (_, i) => (i * 7919) % 256);
    await expect(service.decodeFrame(bytes, makeDescription(2000, 2000))).rejects.toMatchObject({
      name: 'ImageError',
      code: 'timed-out',
    });
  });

  it('stops a picture that takes too much memory, and makes the next one', async () => {
    const service = makeService({ timeoutMilliseconds: 60_000, memoryBytesMax: 320 * 2 ** 20 });
    const large = service.decodeFrame(new Uint8Array(10_000 * 20_000), makeDescription(10_000, 20_000));
    const small = service.decodeFrame(Uint8Array.of(5), makeDescription(1, 1));
    await expect(large).rejects.toMatchObject({ code: 'out-of-memory' });
    expect((await small).data).toEqual(Uint8Array.of(5));
  });

  it('says when too many wait, and when it is closed', async () => {
    const service = makeService({ queueLengthMax: 0 });
    const ask = () => service.decodeFrame(Uint8Array.of(5), makeDescription(1, 1));
    const first = ask();
    await expect(ask()).rejects.toMatchObject({ code: 'overloaded' });
    await first;
    await service.close();
    await expect(ask()).rejects.toMatchObject({ code: 'closed' });
  });
});
