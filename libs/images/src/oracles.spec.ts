import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type ParsedInstance, readFrameRange, readPart10 } from '#libs/dicom';
import { readCodestreamHeader } from './codestream-header.js';
import { decodeFrame } from './decode-frame.js';
import { describePixels } from './describe-frame.js';
import { encodeFrame, htj2kLossless, htj2kLosslessRpcl, jpeg2000Lossless } from './encode-frame.js';

import type { FrameDescription } from './frame-description.js';

import { plainFrame } from './plain-frame.fixture.js';
import type { Pixels } from './pixels.js';

/**
 * Every frame is decoded by other people's programs, too: DCMTK, OpenJPEG, OpenJPH and libjxl from the distribution's
 * packages. Those that are not installed are passed over, and so are the files where they are not.
 */
const shared = fileURLToPath(new URL('../../../../shared/data/dicom/', import.meta.url));
const tools = ['dcmdjpeg', 'dcmdjpls', 'dcmdrle', 'opj_decompress', 'ojph_expand', 'djxl'] as const;
type Tool = (typeof tools)[number];
const has = Object.fromEntries(
  tools.map((tool) => [tool, spawnSync(tool, ['--version']).error === undefined]),
) as Record<Tool, boolean>;

const folder = mkdtempSync(path.join(tmpdir(), 'isocenter-oracles-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Which program is asked about frames of a transfer syntax. */
function toolFor(transferSyntaxUid: string): Tool | undefined {
  const jpeg = /^1\.2\.840\.10008\.1\.2\.4\.(50|51|53|55|57|70)$/;
  if (jpeg.test(transferSyntaxUid)) return 'dcmdjpeg';
  if (/\.4\.8[01]$/.test(transferSyntaxUid)) return 'dcmdjpls';
  if (transferSyntaxUid.endsWith('.2.5')) return 'dcmdrle';
  if (/\.4\.9[01]$/.test(transferSyntaxUid)) return 'opj_decompress';
  if (/\.4\.20[123]$/.test(transferSyntaxUid)) return 'ojph_expand';
  if (/\.4\.11[012]$/.test(transferSyntaxUid)) return 'djxl';
  return undefined;
}

/** Where the other program is no judge, and why. */
const noJudge: Readonly<Record<string, string>> = {
  'cr-dx/other/RG3_JPLY':
    'DCMTK leaves 1024 in an image of 10 bits, where the transform overshoots: as 10 bits that is black',
  'mg/example-mg.dcm':
    'the dataset says RGB and the codestream YCbCr; DCMTK believes the dataset, and shows white as cyan',
  'odd/pydicom/SC_rgb_jpeg.dcm': 'DCMTK does not read the file',
  'us-echo/DIRW0007': 'DCMTK does not read the file',
  'seg/pydicom-liver/liver_rle.dcm': 'DCMTK knows no RLE of one bit',
  'seg/pydicom-liver/liver_nonbyte_aligned_rle.dcm': 'DCMTK knows no RLE of one bit',
};

/** Of series, the slices are all of a kind: a few of a folder stand for it. */
const filesOfFolderMax = 3;
const wholeFolders = /^(transfer-syntaxes|odd|us-echo)\b/;

/** What codecs may differ by: nothing, but where a lossy transform is worked out in another arithmetic. */
function toleranceOf(transferSyntaxUid: string, samplesPerPixel: number): number {
  if (/\.4\.(50|51|53|55)$/.test(transferSyntaxUid)) return samplesPerPixel === 3 ? 6 : 1;
  if (/\.4\.(91|203|111|112)$/.test(transferSyntaxUid)) return 2;
  return 0;
}

interface File {
  name: string;
  bytes: Buffer;
  instance: ParsedInstance;
  tool: Tool;
}

function* compressedFiles(at = shared): Generator<File> {
  let count = 0;
  for (const entry of readdirSync(at, { withFileTypes: true })) {
    const file = path.join(at, entry.name);
    const name = path.relative(shared, file);
    // Those of `bad` are, and videos have no frames of their own.
    if (/^(bad|video)\b/.test(name)) continue;
    if (entry.isDirectory()) yield* compressedFiles(file);
    else if (entry.isFile() && statSync(file).size < 24 * 2 ** 20) {
      const bytes = readFileSync(file);
      if (bytes.toString('latin1', 128, 132) !== 'DICM') continue;
      try {
        const instance = readPart10(bytes);
        const tool = toolFor(instance.transferSyntaxUid);
        if (tool === undefined || instance.frames.kind !== 'encapsulated' || noJudge[name] !== undefined) continue;
        count += 1;
        if (count <= filesOfFolderMax || wholeFolders.test(name)) yield { name, bytes, instance, tool };
      } catch {
        // What is no instance has no frames to compare.
      }
    }
  }
}

function frameOf({ bytes, instance }: Pick<File, 'bytes' | 'instance'>, index: number): Buffer {
  const { frames } = instance;
  if (frames.kind === 'native') {
    const length = frames.frameBits / 8;
    const start = frames.pixelDataOffset + index * length;
    return bytes.subarray(start, start + length);
  }
  if (frames.kind !== 'encapsulated') throw new Error('no frames');
  const { offset, length, fragments } = readFrameRange(frames.entries, index);
  if (fragments === 1) return bytes.subarray(offset, offset + length);
  const parts: Buffer[] = [];
  for (let at = offset; at < offset + length;) {
    const size = bytes.readUInt32LE(at + 4);
    parts.push(bytes.subarray(at + 8, at + 8 + size));
    at += 8 + size;
  }
  return Buffer.concat(parts);
}

/** The whole object, uncompressed by DCMTK. */
async function byDcmtk(file: File, frame: number): Promise<Pixels> {
  const [from, to] = [path.join(folder, 'in.dcm'), path.join(folder, 'out.dcm')];
  if (frame === 0) {
    writeFileSync(from, file.bytes);
    // YBR becomes RGB as the photometric interpretation says: what decodeFrame does.
    const options = file.tool === 'dcmdjpeg' ? ['+cp'] : [];
    execFileSync(file.tool, [...options, from, to], { stdio: 'pipe' });
  }
  const bytes = readFileSync(to);
  const instance = readPart10(bytes);
  const description = describePixels(instance.dataset, instance.transferSyntaxUid, frame);
  return decodeFrame(frameOf({ bytes, instance }, frame), description);
}

/** A codestream by its own project's program, as samples side by side. */
function byTool(tool: Tool, codestream: Uint8Array, { rows, columns, samplesPerPixel }: FrameDescription): number[] {
  const extension = { opj_decompress: 'j2k', ojph_expand: 'j2c', djxl: 'jxl' }[tool as 'djxl'];
  const from = path.join(folder, `frame.${extension}`);
  writeFileSync(from, codestream);
  const pixels = rows * columns;
  if (tool === 'djxl' || (tool === 'ojph_expand' && samplesPerPixel === 3)) {
    const to = path.join(folder, `frame.${samplesPerPixel === 3 ? 'ppm' : 'pgm'}`);
    execFileSync(tool, tool === 'djxl' ? [from, to] : ['-i', from, '-o', to], { stdio: 'pipe' });
    return readPortableMap(readFileSync(to), pixels * samplesPerPixel);
  }
  const to = path.join(folder, 'frame.rawl');
  execFileSync(tool, ['-i', from, '-o', to], { stdio: 'pipe' });
  const raw = readFileSync(to);
  const { precision, isSigned } = readCodestreamHeader(codestream);
  const size = precision <= 8 ? 1 : 2;
  expect(raw.length).toBe(pixels * samplesPerPixel * size);
  const read = (at: number): number =>
    size === 1
      ? isSigned
        ? raw.readInt8(at)
        : raw.readUInt8(at)
      : isSigned
        ? raw.readInt16LE(at * 2)
        : raw.readUInt16LE(at * 2);
  // One component after the other.
  return Array.from({ length: pixels * samplesPerPixel }, (_, i) =>
    read((i % samplesPerPixel) * pixels + Math.floor(i / samplesPerPixel)),
  );
}

/** Binary PGM and PPM: text, one white space, samples of one byte or of two, the higher first. */
function readPortableMap(bytes: Buffer, count: number): number[] {
  const header = /^P[56]\s+(?:#.*\n)?(\d+)\s+(\d+)\s+(\d+)\s/.exec(bytes.toString('latin1', 0, 100));
  if (!header) throw new Error('no PGM or PPM');
  const start = header[0].length;
  const isWide = Number(header[3]) > 255;
  return Array.from({ length: count }, (_, i) =>
    isWide ? bytes.readUInt16BE(start + 2 * i) : (bytes[start + i] as number),
  );
}

/** The largest difference, where the bits beyond those stored are nobody's. */
function worst(
  ours: Pixels['data'],
  theirs: ArrayLike<number>,
  { bitsStored, pixelRepresentation }: FrameDescription,
): number {
  expect(theirs.length).toBe(ours.length);
  const mask = 2 ** Math.min(bitsStored, 31) - 1;
  let largest = 0;
  for (let i = 0; i < ours.length; i++) {
    const [a, b] = [ours[i] as number, theirs[i] as number];
    if (a === b) continue;
    // Codestreams without a sign hold the bits of one.
    const isSameBits = pixelRepresentation === 1 && (a & mask) === (b & mask);
    if (!isSameBits) largest = Math.max(largest, Math.abs(a - b));
  }
  return largest;
}

const files = existsSync(shared) ? [...compressedFiles()] : [];

describe.each(
  tools.map((tool) => ({ tool, isThere: has[tool], count: files.filter((file) => file.tool === tool).length })),
)('real files as $tool decodes them ($count files; installed: $isThere)', ({ tool, isThere }) => {
  const own = files.filter((file) => file.tool === tool);
  (isThere && own.length > 0 ? it.each(own) : it.skip.each([{ name: 'needs the program and the files' }]))(
    '$name',
    async (one) => {
      const file = one as File;
      const { dataset, transferSyntaxUid, frames } = file.instance;
      const count = frames.kind === 'encapsulated' ? frames.entries.length / 16 : 0;
      for (const index of new Set([0, count >> 1, count - 1])) {
        const description = describePixels(dataset, transferSyntaxUid, index);
        const bytes = frameOf(file, index);
        const ours = await decodeFrame(bytes, description);
        const theirs = file.tool.startsWith('dcmd')
          ? (await byDcmtk(file, index)).data
          : byTool(file.tool, bytes, description);
        const tolerance = toleranceOf(transferSyntaxUid, description.samplesPerPixel);
        // The worst difference is named when it is too large.
        const difference = worst(ours.data, theirs, description);
        expect([index, difference <= tolerance ? 'within' : difference]).toEqual([index, 'within']);
      }
    },
  );
});

describe('frames of our own as others decode them', () => {
  const signed = { pixelRepresentation: 1 } as const;
  const color = { samplesPerPixel: 3, photometricInterpretation: 'RGB' } as const;
  const kinds: [string, Partial<FrameDescription>][] = [
    ['8 bits', { bitsAllocated: 8, bitsStored: 8 }],
    ['12 bits', { bitsAllocated: 16, bitsStored: 12 }],
    ['16 bits', { bitsAllocated: 16, bitsStored: 16 }],
    ['12 bits, signed', { bitsAllocated: 16, bitsStored: 12, ...signed }],
    ['16 bits, signed', { bitsAllocated: 16, bitsStored: 16, ...signed }],
    ['RGB', { bitsAllocated: 8, bitsStored: 8, ...color }],
  ];
  const sizes = [
    [1, 1],
    [1, 97],
    [63, 2],
    [37, 53],
    [256, 130],
  ] as const;
  const syntaxes = [jpeg2000Lossless, htj2kLossless, htj2kLosslessRpcl];
  const cases = kinds.flatMap(([name, change]) => syntaxes.map((syntax) => ({ name, change, syntax })));

  it.each(cases)('$name in $syntax', async ({ change, syntax }) => {
    const tool = toolFor(syntax) as Tool;
    for (const [rows, columns] of sizes) {
      const description = plainFrame({ rows, columns, highBit: (change.bitsStored ?? 8) - 1, ...change });
      const pixels = makePixels(description);
      const encoding = encodeFrame(pixels, description, syntax);
      if (syntax === jpeg2000Lossless && Math.min(rows, columns) === 1) {
        // OpenJPEG, as it is set there, has no resolution for a line; that is said, and nothing else is made of it.
        await expect(encoding).rejects.toMatchObject({ code: 'unsupported-pixels' });
        continue;
      }
      const { bytes, photometricInterpretation } = await encoding;
      const coded = { ...description, transferSyntaxUid: syntax, photometricInterpretation };
      expect((await decodeFrame(bytes, coded)).data).toEqual(pixels.data);
      // OpenJPH's program writes no samples with a sign, nor pictures so small.
      const isJudge = has[tool] && (tool === 'opj_decompress' || (!readCodestreamHeader(bytes).isSigned && rows > 2));
      if (isJudge) expect(worst(pixels.data, byTool(tool, bytes, coded), description)).toBe(0);
    }
  });

  /** Smooth on the left, noise on the right; the extremes at both ends. */
  function makePixels(description: FrameDescription): Pixels {
    const { rows, columns, samplesPerPixel, bitsStored, bitsAllocated, pixelRepresentation } = description;
    const count = rows * columns * samplesPerPixel;
    const isSigned = pixelRepresentation === 1;
    const lowest = isSigned ? -(2 ** (bitsStored - 1)) : 0;
    const data =
      bitsAllocated === 8 ? new Uint8Array(count) : isSigned ? new Int16Array(count) : new Uint16Array(count);
    let seed = rows * 31 + columns;
    for (let i = 0; i < count; i++) {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      data[i] = lowest + ((i % columns < columns / 2 ? i >> 3 : seed >> 8) % 2 ** bitsStored);
    }
    data[0] = lowest;
    data[count - 1] = lowest + 2 ** bitsStored - 1;
    return { data, rows, columns, samplesPerPixel, photometricInterpretation: description.photometricInterpretation };
  }
});
