import { readFileSync } from 'node:fs';
import { deflateRawSync } from 'node:zlib';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { decodeFrame } from './decode-frame.js';
import {
  encodeFrame,
  htj2kLossless,
  htj2kLosslessRpcl,
  jpeg2000Lossless,
  jpegBaseline,
  jpegLossless,
  jpegLsLossless,
} from './encode-frame.js';
import type { FrameDescription } from './frame-description.js';
import { ImageService } from './image-service.js';
import { decodedBytesMax } from './limits.js';
import { plainFrame } from './plain-frame.fixture.js';
import { deflatedFrames, rleLossless } from './transfer-syntax.js';

const explicitLittleEndian = '1.2.840.10008.1.2.1';
const lossless = [rleLossless, jpegLossless, jpegLsLossless, jpeg2000Lossless, htj2kLossless, htj2kLosslessRpcl];

/** One patient's frame, of a size and values of its own, and what must come of it. */
interface Frame {
  bytes: Uint8Array;
  description: FrameDescription;
  expected: Buffer;
}

async function makeFrame(patient: number, syntax: string): Promise<Frame> {
  const [rows, columns] = [20 + ((patient * 7) % 30), 24 + ((patient * 11) % 40)];
  const native = plainFrame({
    rows,
    columns,
    ...(syntax === jpegBaseline ? {} : { bitsAllocated: 16, bitsStored: 12, highBit: 11 }),
    windows: [{ center: 2047.5, width: 4095, function: 'LINEAR_EXACT' }],
  });
  const count = rows * columns;
  const data = syntax === jpegBaseline ? new Uint8Array(count) : new Uint16Array(count);
  // No value of one patient is another's.
  for (let i = 0; i < count; i++) data[i] = syntax === jpegBaseline ? (patient * 37) % 256 : patient * 64 + (i % 60);
  const pixels = { data, rows, columns, samplesPerPixel: 1, photometricInterpretation: 'MONOCHROME2' };
  const expected = Buffer.from(data.buffer);
  if (syntax === explicitLittleEndian) return { bytes: expected, description: native, expected };
  const { bytes } = await encodeFrame(pixels, native, syntax);
  const description = { ...native, transferSyntaxUid: syntax };
  // What is lossy is what it decodes to in a process that has seen no other patient.
  const alone = syntax === jpegBaseline ? (await decodeFrame(bytes, description)).data : data;
  return { bytes, description, expected: Buffer.from(alone.buffer, alone.byteOffset, alone.byteLength) };
}

/** The processes that this one has started. */
const children = (): number[] =>
  readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'latin1')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
const hasProcesses = process.platform === 'linux';

describe("one patient's memory in another's picture", () => {
  const service = new ImageService({ workers: 1, timeoutMilliseconds: 60_000 });
  afterAll(() => service.close());

  async function decodeAlternating(patients: number[], syntaxes: string[]): Promise<void> {
    for (const patient of patients) {
      for (const syntax of syntaxes) {
        const { bytes, description, expected } = await makeFrame(patient, syntax);
        const { data } = await service.decodeFrame(bytes, description);
        const got = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
        expect([patient, syntax, got.equals(expected)]).toEqual([patient, syntax, true]);
        // Nor in the memory around it, which is the rest of the message that it came in.
        expect(data.buffer.byteLength).toBeLessThan(expected.length + 512);
      }
    }
  }

  it('is never there, with every codec in turn in one process', async () => {
    await decodeAlternating([1, 2, 3, 1, 9, 2, 30, 4], [...lossless, jpegBaseline, explicitLittleEndian]);
  });

  it('is never there after a frame that is damaged, cut short or of another size', async () => {
    for (const syntax of lossless) {
      const { bytes, description } = await makeFrame(5, syntax);
      const damaged = Uint8Array.from(bytes, (byte, i) => (i > 40 && i % 7 === 0 ? byte ^ 0xa5 : byte));
      const wrong = { ...description, rows: description.rows + 1 };
      const tries = [
        service.decodeFrame(damaged, description),
        service.decodeFrame(bytes.subarray(0, bytes.length >> 1), description),
        service.decodeFrame(bytes, wrong),
      ];
      // Damage that a codec cannot see gives other pixels of the same frame, which is all it may.
      for (const tried of await Promise.allSettled(tries)) {
        if (tried.status === 'rejected') expect(tried.reason).toMatchObject({ name: 'ImageError' });
        else expect(tried.value.data.length).toBe(description.rows * description.columns);
      }
      await decodeAlternating([6], [syntax]);
    }
  });

  (hasProcesses ? it : it.skip)('is never there after a process died in the middle of its work', async () => {
    const { bytes, description } = await makeFrame(7, htj2kLossless);
    for (let i = 0; i < 3; i++) {
      const before = await service.decodeFrame(bytes, description);
      expect(before.data.length).toBe(description.rows * description.columns);
      // 100 million pixels keep it long enough.
      const large = service.decodeFrame(new Uint8Array(10_000 * 10_000), plainFrame({ rows: 10_000, columns: 10_000 }));
      for (const pid of children()) process.kill(pid, 'SIGKILL');
      await expect(large).rejects.toMatchObject({ code: 'crashed' });
      await decodeAlternating([8 + i], [...lossless, jpegBaseline]);
    }
  });

  it('is never in pictures that are drawn where they are, many at a time', async () => {
    const patients = Array.from({ length: 24 }, (_, i) => 1 + (i % 12));
    await Promise.all(
      patients.map(async (patient) => {
        const { bytes, description } = await makeFrame(patient, explicitLittleEndian);
        const png = await service.renderFrame(bytes, description, { format: 'png' });
        const grey = await sharp(png).toColourspace('b-w').raw().toBuffer();
        const words = new Uint16Array(Uint8Array.from(bytes).buffer);
        const expected = Array.from(words, (word) => Math.round(((word - 2047.5) / 4095 + 0.5) * 255));
        expect([...grey]).toEqual(expected);
      }),
    );
  });
});

describe('what is meant to do harm', () => {
  const services: ImageService[] = [];
  const makeService = (options: ConstructorParameters<typeof ImageService>[0] = {}): ImageService => {
    const service = new ImageService({ workers: 1, timeoutMilliseconds: 60_000, ...options });
    services.push(service);
    return service;
  };
  afterEach(() => Promise.all(services.splice(0).map((service) => service.close())));
  const small = plainFrame({ rows: 1, columns: 1 });
  const stillWorks = async (service: ImageService) =>
    expect((await service.decodeFrame(Uint8Array.of(5), small)).data).toEqual(Uint8Array.of(5));

  it('is refused by its size before anything is made of it', async () => {
    const service = makeService();
    const huge = plainFrame({ rows: 65_535, columns: 65_535, bitsAllocated: 16, bitsStored: 16, highBit: 15 });
    for (const transferSyntaxUid of [explicitLittleEndian, ...lossless, jpegBaseline, deflatedFrames]) {
      await expect(service.decodeFrame(new Uint8Array(64), { ...huge, transferSyntaxUid })).rejects.toMatchObject({
        code: 'limit-exceeded',
        message: expect.stringContaining(String(decodedBytesMax)),
      });
    }
    await stillWorks(service);
  });

  it('is refused where a codestream says another size than its dataset', async () => {
    const service = makeService();
    for (const syntax of [jpegLossless, jpegLsLossless, jpeg2000Lossless, htj2kLossless]) {
      const { bytes, description } = await makeFrame(3, syntax);
      // The dataset would have room for a bit; the codestream asks for more than there is.
      const lying = { ...description, rows: 2, columns: 2 };
      await expect(service.decodeFrame(bytes, lying)).rejects.toMatchObject({ code: 'mismatch' });
    }
    await stillWorks(service);
  });

  it('is refused when it inflates to more than the frame', async () => {
    const service = makeService();
    const bomb = deflateRawSync(Buffer.alloc(64 * 2 ** 20));
    expect(bomb.length).toBeLessThan(100_000);
    const description = plainFrame({ rows: 100, columns: 100, transferSyntaxUid: deflatedFrames });
    await expect(service.decodeFrame(bomb, description)).rejects.toMatchObject({ code: 'malformed' });
    await stillWorks(service);
  });

  it('is stopped when its picture of nothing takes more memory than a process may have', async () => {
    const service = makeService({ memoryBytesMax: 256 * 2 ** 20 });
    const [rows, columns] = [9000, 9000];
    const background = '#808080';
    const jpeg = await sharp({ create: { width: columns, height: rows, channels: 3, background } })
      .jpeg()
      .toBuffer();
    const color = { samplesPerPixel: 3, photometricInterpretation: 'YBR_FULL_422' };
    // 243 MB of pixels in few bytes: allowed by its dataset, and too much for this process.
    const description = plainFrame({ rows, columns, ...color, transferSyntaxUid: jpegBaseline });
    await expect(service.decodeFrame(jpeg, description)).rejects.toMatchObject({ code: 'out-of-memory' });
    await stillWorks(service);
  });

  it('is stopped when it takes too long, and those that wait behind it are not', async () => {
    const service = makeService({ timeoutMilliseconds: 400 });
    await stillWorks(service);
    const slow = new Uint8Array(20_000 * 20_000);
    const large = service.decodeFrame(slow, plainFrame({ rows: 20_000, columns: 20_000 }));
    const next = service.decodeFrame(Uint8Array.of(5), small);
    const [first, second] = await Promise.allSettled([large, next]);
    // A machine that is done in time has nothing to stop.
    if (first.status === 'rejected') expect(first.reason).toMatchObject({ code: 'timed-out' });
    expect(second).toMatchObject({ status: 'fulfilled', value: { data: Uint8Array.of(5) } });
  });
});
