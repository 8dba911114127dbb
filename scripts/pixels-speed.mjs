// How fast frames are decoded, beside the native program of each codec on the same frames: processor time of one
// thread, best of several runs. Prints the table of docs/pixels.md. Needs a build, and the programs that it finds:
//   apt-get install dcmtk libopenjp2-tools openjph-tools libjxl-tools libjpeg-turbo-progs
//   npm run build && node scripts/pixels-speed.mjs
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeFrame, transcodeFrame } from '#libs/images';

const runs = 3;
/** Names of codecs to measure; all of them without. */
const only = process.argv[2];
const folder = mkdtempSync(path.join(tmpdir(), 'isocenter-pixels-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** A body in air: smooth parts, edges, and the noise of a detector. */
function makeFrame(side, isColor) {
  const samples = isColor ? new Uint8Array(side * side * 3) : new Uint16Array(side * side);
  let seed = 1;
  const noise = (width) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return ((seed >> 8) % (2 * width + 1)) - width;
  };
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const [u, v] = [x / side - 0.5, y / side - 0.5];
      const inside = u * u * 1.6 + v * v < 0.18;
      const value = inside
        ? 1000 + 200 * Math.sin(9 * u) * Math.cos(7 * v) + (Math.hypot(u + 0.1, v) < 0.1 ? 500 : 0)
        : 24;
      if (!isColor) samples[y * side + x] = Math.min(Math.max(Math.round(value + noise(inside ? 12 : 3)), 0), 4095);
      else for (let c = 0; c < 3; c++) samples[(y * side + x) * 3 + c] = Math.min(255, value / (5 + c) + 10 + noise(3));
    }
  }
  return new Uint8Array(samples.buffer);
}

const describe = (side, isColor) => ({
  transferSyntaxUid: '1.2.840.10008.1.2.1',
  rows: side,
  columns: side,
  samplesPerPixel: isColor ? 3 : 1,
  bitsAllocated: isColor ? 8 : 16,
  bitsStored: isColor ? 8 : 12,
  highBit: isColor ? 7 : 11,
  pixelRepresentation: 0,
  sampleType: 'integer',
  photometricInterpretation: isColor ? 'RGB' : 'MONOCHROME2',
  planarConfiguration: 0,
  bitOffset: 0,
  swapWordBytes: 0,
  rescaleSlope: 1,
  rescaleIntercept: 0,
  windows: [],
  isSegmentation: false,
});

/** A Part 10 object around one frame, for programs that take nothing less. */
function part10(bytes, description) {
  const { transferSyntaxUid, rows, columns, samplesPerPixel, bitsAllocated, bitsStored, highBit } = description;
  const even = (text, fill) => Buffer.from(text.length % 2 === 0 ? text : text + fill, 'latin1');
  const short = (value) => Buffer.of(value & 255, value >> 8);
  const element = (group, number, vr, value) => {
    const head = Buffer.alloc(8);
    head.writeUInt16LE(group, 0);
    head.writeUInt16LE(number, 2);
    head.write(vr, 4, 'latin1');
    head.writeUInt16LE(value.length, 6);
    return Buffer.concat([head, value]);
  };
  const uid = (text) => even(text, '\0');
  const version = Buffer.concat([Buffer.from([2, 0, 1, 0]), Buffer.from('OB\0\0\x02\0\0\0\0\x01', 'latin1')]);
  const meta = Buffer.concat([
    version,
    element(2, 2, 'UI', uid('1.2.840.10008.5.1.4.1.1.7')),
    element(2, 3, 'UI', uid('1.2.3')),
    element(2, 16, 'UI', uid(transferSyntaxUid)),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  const item = (value) => {
    const head = Buffer.from('feff00e000000000', 'hex');
    head.writeUInt32LE(value.length, 4);
    return Buffer.concat([head, value]);
  };
  const padded = bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.of(0)]);
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    element(2, 0, 'UL', length),
    meta,
    element(8, 22, 'UI', uid('1.2.840.10008.5.1.4.1.1.7')),
    element(8, 24, 'UI', uid('1.2.3')),
    element(0x28, 2, 'US', short(samplesPerPixel)),
    element(0x28, 4, 'CS', even(description.photometricInterpretation, ' ')),
    ...(samplesPerPixel > 1 ? [element(0x28, 6, 'US', short(0))] : []),
    element(0x28, 16, 'US', short(rows)),
    element(0x28, 17, 'US', short(columns)),
    element(0x28, 0x100, 'US', short(bitsAllocated)),
    element(0x28, 0x101, 'US', short(bitsStored)),
    element(0x28, 0x102, 'US', short(highBit)),
    element(0x28, 0x103, 'US', short(0)),
    Buffer.from('e07f1000', 'hex'),
    Buffer.from('OB\0\0\xff\xff\xff\xff', 'latin1'),
    item(Buffer.alloc(0)),
    item(padded),
    Buffer.from('feffdde000000000', 'hex'),
  ]);
}

/** Seconds of processor of a program, the best of the runs. */
function cpuOf(command, args) {
  let best = Infinity;
  for (let run = 0; run < runs; run++) {
    const script = `TIMEFORMAT='%U %S'; time "$@" >/dev/null 2>/dev/null`;
    const { stderr, status } = spawnSync('bash', ['-c', script, 'bash', command, ...args], { encoding: 'latin1' });
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
    const [user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
    best = Math.min(best, user + system);
  }
  return best;
}

async function ownCpu(bytes, description) {
  let best = Infinity;
  for (let run = 0; run < runs + 2; run++) {
    const start = process.cpuUsage();
    await decodeFrame(bytes, description);
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1e6);
  }
  return best;
}

const has = (tool) => spawnSync(tool, ['--version']).error === undefined;
const file = (name) => path.join(folder, name);
const dcmtk = (tool) => ({ tool, from: 'in.dcm', args: (from) => [from, file('out.dcm')], isObject: true });
const plain = (tool, extension, to) => ({
  tool,
  from: `in.${extension}`,
  args: (from) => ['-i', from, '-o', file(to)],
});

const codecs = [
  { name: 'RLE', syntax: '1.2.840.10008.1.2.5', by: 'own, TypeScript', native: dcmtk('dcmdrle') },
  {
    name: 'JPEG baseline, colour',
    syntax: '1.2.840.10008.1.2.4.50',
    isColor: true,
    by: 'sharp (libjpeg-turbo)',
    native: { tool: 'djpeg', from: 'in.jpg', args: (from) => ['-outfile', file('out.ppm'), from] },
  },
  {
    name: 'JPEG baseline, colour',
    syntax: '1.2.840.10008.1.2.4.50',
    isColor: true,
    by: 'sharp (libjpeg-turbo)',
    native: dcmtk('dcmdjpeg'),
  },
  { name: 'JPEG lossless', syntax: '1.2.840.10008.1.2.4.70', by: 'IJG libjpeg, WASM', native: dcmtk('dcmdjpeg') },
  { name: 'JPEG-LS', syntax: '1.2.840.10008.1.2.4.80', by: 'CharLS, WASM', native: dcmtk('dcmdjpls') },
  {
    name: 'JPEG 2000',
    syntax: '1.2.840.10008.1.2.4.90',
    by: 'OpenJPEG, WASM',
    native: plain('opj_decompress', 'j2k', 'out.rawl'),
  },
  {
    name: 'JPEG 2000, colour',
    syntax: '1.2.840.10008.1.2.4.90',
    isColor: true,
    by: 'OpenJPEG, WASM',
    native: plain('opj_decompress', 'j2k', 'out.rawl'),
  },
  {
    name: 'HTJ2K',
    syntax: '1.2.840.10008.1.2.4.201',
    by: 'OpenJPH, WASM',
    native: plain('ojph_expand', 'j2c', 'out.rawl'),
  },
  {
    name: 'HTJ2K, colour',
    syntax: '1.2.840.10008.1.2.4.201',
    isColor: true,
    by: 'OpenJPH, WASM',
    native: plain('ojph_expand', 'j2c', 'out.ppm'),
  },
];

console.log(
  '| codec | ours | native program | ours, MB/s | native, MB/s | ratio |\n| --- | --- | --- | --- | --- | --- |',
);
for (const { name, syntax, isColor = false, by, native } of codecs) {
  if (only !== undefined && !name.includes(only)) continue;
  const [side, small] = [2048, 16];
  const encode = async (size) => {
    const description = describe(size, isColor);
    const { bytes, photometricInterpretation } = await transcodeFrame(makeFrame(size, isColor), description, syntax);
    return { bytes, description: { ...description, transferSyntaxUid: syntax, photometricInterpretation } };
  };
  const frame = await encode(side);
  const megabytes = (side * side * (isColor ? 3 : 2)) / 1e6;
  const ours = megabytes / (await ownCpu(frame.bytes, frame.description));
  let theirs;
  if (has(native.tool)) {
    const seconds = async ({ bytes, description }) => {
      writeFileSync(file(native.from), native.isObject ? part10(bytes, description) : bytes);
      return cpuOf(native.tool, native.args(file(native.from)));
    };
    // Starting a program is not decoding: what a small frame takes is taken off.
    theirs = megabytes / Math.max(1e-3, (await seconds(frame)) - (await seconds(await encode(small))));
  }
  const figures = [
    ours.toFixed(0),
    theirs?.toFixed(0) ?? 'not installed',
    theirs ? `${((100 * ours) / theirs).toFixed(0)} %` : '',
  ];
  console.log(`| ${name} | ${by} | ${native.tool} | ${figures.join(' | ')} |`);
}
