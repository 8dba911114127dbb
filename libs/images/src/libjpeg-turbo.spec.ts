import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';
import { decodeJpegBaseline, encodeJpeg } from './jpeg-baseline.js';
import { type JpegPicture, LibjpegTurbo, libjpegTurbo } from './libjpeg-turbo.js';

const isHere = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
const hasPrograms = ['cjpeg', 'djpeg'].every((tool) => spawnSync(tool, ['-version']).error === undefined);
const folder = mkdtempSync(path.join(tmpdir(), 'isocenter-turbo-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Slopes, edges and noise. */
function makePicture(width: number, height: number, channels: 1 | 3): JpegPicture {
  const data = new Uint8Array(width * height * channels);
  let seed = width + height;
  for (let i = 0; i < data.length; i++) {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    const [x, y] = [((i / channels) | 0) % width, (i / channels / width) | 0];
    data[i] = ((x + 2 * y + 40 * (i % channels)) >> 1) + (x % 37 < 9 ? 60 : 0) + ((seed >> 16) % 20);
  }
  return { data, width, height, channels };
}

const headerOf = ({ width, height, channels }: JpegPicture) => ({ rows: height, columns: width, components: channels });

/** Without its segments of a marker. */
function without(jpeg: Buffer, marker: number): Buffer {
  const kept = [jpeg.subarray(0, 2)];
  let at = 2;
  for (; jpeg[at + 1] !== 0xda; at += 2 + jpeg.readUInt16BE(at + 2)) {
    if (jpeg[at + 1] !== marker) kept.push(jpeg.subarray(at, at + 2 + jpeg.readUInt16BE(at + 2)));
  }
  return Buffer.concat([...kept, jpeg.subarray(at)]);
}

it.each(isHere ? [[undefined]] : [])('is there, on the machines that it comes with', () => {
  expect(libjpegTurbo()).toBeInstanceOf(LibjpegTurbo);
});

(libjpegTurbo() instanceof LibjpegTurbo ? describe : describe.skip)('libjpeg-turbo', () => {
  const turbo = libjpegTurbo() as LibjpegTurbo;
  const sizes: [number, number, 1 | 3][] = [
    [1, 1, 1],
    [7, 300, 1],
    [131, 67, 3],
    [512, 512, 1],
    [513, 511, 3],
    [1500, 1100, 1],
    [1001, 900, 3],
  ];

  (hasPrograms ? it : it.skip).each(sizes)(
    'encodes what cjpeg encodes, and decodes what djpeg decodes: %i x %i of %i',
    async (width, height, channels) => {
      const picture = makePicture(width, height, channels);
      const [map, file, back] = ['in.pnm', 'out.jpg', 'back.pnm'].map((name) => path.join(folder, name)) as [
        string,
        string,
        string,
      ];
      writeFileSync(map, `P${channels === 1 ? 5 : 6}\n${width} ${height}\n255\n`);
      writeFileSync(map, picture.data, { flag: 'a' });
      execFileSync('cjpeg', ['-quality', '90', '-sample', '1x1', '-outfile', file, map]);
      const encoded = await turbo.encode(picture, 90);
      expect(encoded?.equals(readFileSync(file))).toBe(true);
      // Chroma of half resolution, scans of their own, and what can be damaged and found again.
      for (const options of [['-sample', '2x1'], ['-sample', '2x2'], ['-progressive'], ['-restart', '1']]) {
        execFileSync('cjpeg', [...options, '-outfile', file, map]);
        execFileSync('djpeg', ['-outfile', back, file]);
        const decoded = turbo.decode(readFileSync(file), headerOf(picture));
        expect([
          options,
          decoded && Buffer.compare(decoded, readFileSync(back).subarray(-picture.data.length)),
        ]).toEqual([options, 0]);
      }
    },
  );

  it('is as true to the picture as sharp, which would do its work', async () => {
    for (const quality of [1, 50, 90, 100]) {
      const picture = makePicture(300, 200, 3);
      const pixelsOf = async (jpeg: Buffer) => [...(await sharp(jpeg).raw().toBuffer())];
      const [ours, its] = [await encodeJpeg(picture, quality), await encodeJpeg(picture, quality, new Error('none'))];
      expect(await pixelsOf(ours)).toEqual(await pixelsOf(its));
      for (const jpeg of [ours, its]) {
        expect(await sharp(jpeg).metadata()).toMatchObject({ format: 'jpeg', chromaSubsampling: '4:4:4', channels: 3 });
      }
    }
  });

  it('is as true to the frame as sharp and WebAssembly, which would do its work', async () => {
    for (const [width, height, channels] of [
      [700, 500, 1],
      [500, 400, 3],
    ] as const) {
      const picture = makePicture(width, height, channels);
      const jpeg = await encodeJpeg(picture, 95);
      const [ours, its] = [turbo, new Error('none')].map((by) => decodeJpegBaseline(jpeg, headerOf(picture), by));
      expect(Buffer.compare((await ours)!, (await its)!)).toBe(0);
    }
    // Small ones, sharp would take longer for than WebAssembly does.
    const small = makePicture(64, 64, 1);
    expect(await decodeJpegBaseline(await encodeJpeg(small, 95), headerOf(small), new Error('none'))).toBeUndefined();
  });

  it('has nothing to give for a frame that is cut short, damaged or of another size', async () => {
    const picture = makePicture(320, 240, 3);
    const jpeg = await encodeJpeg(picture, 90);
    const header = headerOf(picture);
    expect(turbo.decode(jpeg, header)).toHaveLength(picture.data.length);
    for (const length of [0, 1, 2, 100, 300, jpeg.length >> 1, jpeg.length - 3]) {
      expect(turbo.decode(jpeg.subarray(0, length), header)).toBeUndefined();
    }
    // Cut, and closed again: by itself it would fill up with grey.
    expect(
      turbo.decode(Buffer.concat([jpeg.subarray(0, jpeg.length >> 1), Buffer.of(0xff, 0xd9)]), header),
    ).toBeUndefined();
    for (const change of [{ rows: 239 }, { rows: 241 }, { columns: 8 }, { rows: 1, columns: 1 }]) {
      expect(turbo.decode(jpeg, { ...header, ...change })).toBeUndefined();
    }
    expect(turbo.decode(jpeg, header)).toHaveLength(picture.data.length);
  });

  it('decodes no frame with what it has kept of another', async () => {
    const [large, small] = [makePicture(400, 300, 1), makePicture(64, 64, 1)];
    const [first, second] = [await encodeJpeg(large, 30), await encodeJpeg(small, 100)];
    expect(turbo.decode(first, headerOf(large))).toBeDefined();
    expect(turbo.decode(without(second, 0xdb), headerOf(small))).toBeUndefined();
    const alone = turbo.decode(second, headerOf(small))!;
    for (let i = 0; i < 3; i++) {
      turbo.decode(first, headerOf(large));
      expect(Buffer.compare(turbo.decode(second, headerOf(small))!, alone)).toBe(0);
    }
    expect([alone.buffer.byteLength, second.buffer.byteLength]).toEqual([64 * 64, second.length]);
  });

  it('encodes many pictures at a time, each as if it were alone', async () => {
    const pictures = Array.from({ length: 12 }, (_, i) => makePicture(600 + i, 500, i % 2 === 0 ? 1 : 3));
    const alone: Buffer[] = [];
    for (const picture of pictures) alone.push(await encodeJpeg(picture, 80));
    const together = await Promise.all(pictures.map((picture) => encodeJpeg(picture, 80)));
    expect(together.map((jpeg, i) => jpeg.equals(alone[i]!))).toEqual(pictures.map(() => true));
  });

  it('leaves to sharp, which says so, what is too large for JPEG', async () => {
    const wide = { data: new Uint8Array(65_501), width: 65_501, height: 1, channels: 1 } as const;
    expect(await turbo.encode(wide, 90)).toBeUndefined();
    await expect(turbo.encode({ ...wide, height: 2 }, 90)).rejects.toThrow('are not a picture');
  });
});

it('is named where it is missing', async () => {
  expect(() => LibjpegTurbo.load('amiga-m68k')).toThrow('No libturbojpeg of amiga-m68k can be loaded: ');
  const jpeg = await encodeJpeg(makePicture(20, 10, 1), 90, new Error('none'));
  expect(await sharp(jpeg).metadata()).toMatchObject({ format: 'jpeg', width: 20, height: 10, channels: 1 });
});
