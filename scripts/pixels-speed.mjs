// How fast frames are decoded and encoded, beside the native program of each codec on the same frames and at the same
// settings: processor time, in turns, the median of the rounds; of the programs without what starting them and reading
// their files takes; of ours with the memory given back after each frame, as the decoding processes do. Prints the table
// of docs/pixels.md. Needs a build, and the programs that it finds:
//   apt-get install dcmtk libopenjp2-tools openjph-tools libjxl-tools libjpeg-turbo-progs
//   npm run build && node scripts/pixels-speed.mjs
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decodeFrame, describeSamples, libjpegTurbo, transcodeFrame } from '#libs/images';
import { giveBack } from '#libs/workers';

const rounds = 7;
/**
 * Each runs for so long for one figure, but so often at most: what is told of a program has milliseconds, and after
 * another program it takes some frames until the processor's caches have what ours needs.
 */
const secondsAtOnce = 0.2;
const runsMax = 60;
/** Names of codecs to measure; all of them without. */
const only = process.argv[2];
// In memory where there is such a folder: disks are not what is measured.
const folder = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'isocenter-pixels-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

/** A body in air: smooth parts, edges, and the noise of a detector. */
function makeFrame(columns, rows, isColor) {
  const samples = isColor ? new Uint8Array(columns * rows * 3) : new Uint16Array(columns * rows);
  let seed = 1;
  const noise = (width) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return ((seed >> 8) % (2 * width + 1)) - width;
  };
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      const [u, v] = [x / columns - 0.5, y / rows - 0.5];
      const inside = u * u * 1.6 + v * v < 0.18;
      const value = inside
        ? 1000 + 200 * Math.sin(9 * u) * Math.cos(7 * v) + (Math.hypot(u + 0.1, v) < 0.1 ? 500 : 0)
        : 24;
      if (!isColor) samples[y * columns + x] = Math.min(Math.max(Math.round(value + noise(inside ? 12 : 3)), 0), 4095);
      else
        for (let c = 0; c < 3; c++) samples[(y * columns + x) * 3 + c] = Math.min(255, value / (5 + c) + 10 + noise(3));
    }
  }
  return new Uint8Array(samples.buffer);
}

const describe = (columns, rows, isColor) =>
  describeSamples({
    transferSyntaxUid: '1.2.840.10008.1.2.1',
    rows,
    columns,
    samplesPerPixel: isColor ? 3 : 1,
    bitsAllocated: isColor ? 8 : 16,
    bitsStored: isColor ? 8 : 12,
    highBit: isColor ? 7 : 11,
    pixelRepresentation: 0,
    photometricInterpretation: isColor ? 'RGB' : 'MONOCHROME2',
    planarConfiguration: 0,
  });

const explicitLittleEndian = '1.2.840.10008.1.2.1';

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
    ...(transferSyntaxUid === explicitLittleEndian
      ? [Buffer.from('OW\0\0', 'latin1'), long(padded.length), padded]
      : [
          Buffer.from('OB\0\0\xff\xff\xff\xff', 'latin1'),
          item(Buffer.alloc(0)),
          item(padded),
          Buffer.from('feffdde000000000', 'hex'),
        ]),
  ]);
}

function long(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** A binary PGM or PPM of a frame: words have the higher byte first. */
function portableMap(bytes, { rows, columns, samplesPerPixel, bitsStored }) {
  const samples = Buffer.from(bytes);
  if (bitsStored > 8) samples.swap16();
  const head = `${samplesPerPixel === 3 ? 'P6' : 'P5'}\n${columns} ${rows}\n${2 ** bitsStored - 1}\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), samples]);
}

/** Seconds of processor of a program that runs so often. */
function cpuOf(command, args, runs) {
  const script = `TIMEFORMAT='%U %S'; time for run in {1..${runs}}; do "$@" >/dev/null 2>/dev/null || exit; done`;
  const { stderr, status } = spawnSync('bash', ['-c', script, 'bash', command, ...args], { encoding: 'latin1' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
  const [user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  return (user + system) / runs;
}

/** Seconds of processor of a function of ours that runs so often. */
async function ownCpu(work, runs) {
  const start = process.cpuUsage();
  for (let run = 0; run < runs; run++) await work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / runs / 1e6;
}

const runsFor = (seconds) => Math.min(runsMax, Math.max(1, Math.ceil(secondsAtOnce / seconds)));

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

const has = (tool) => spawnSync(tool, ['--version']).error === undefined;
const file = (name) => path.join(folder, name);

function run(command, args) {
  const { status, stderr } = spawnSync(command, args, { encoding: 'latin1' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

/** What a native program reads: the frame as it is, in an object, or as a portable map; and its arguments. */
const ofObject = (tool, ...options) => ({ tool, input: 'object', args: (from) => [...options, from, file('out.dcm')] });
const ofStream = (tool, extension, args) => ({ tool, input: 'stream', extension, args });
const ofMap = (tool, args) => ({ tool, input: 'map', args });
const inOut =
  (to, ...options) =>
  (from) => ['-i', from, '-o', file(to), ...options];

/** A frame of 12 bits by DCMTK: nothing of ours encodes JPEG Extended. */
function jpegExtended(bytes, description) {
  writeFileSync(file('native.dcm'), part10(bytes, description));
  run('dcmcjpeg', ['+ee', file('native.dcm'), file('extended.dcm')]);
  const object = readFileSync(file('extended.dcm'));
  return object.subarray(object.indexOf('ffd8ff', 'hex'), object.lastIndexOf('ffd9', undefined, 'hex') + 2);
}

function jpegXl(bytes, description) {
  writeFileSync(file('native.ppm'), portableMap(bytes, description));
  run('cjxl', [file('native.ppm'), file('made.jxl'), '-d', '0']);
  return readFileSync(file('made.jxl'));
}

const jpeg2000 = {
  syntax: '1.2.840.10008.1.2.4.90',
  by: 'OpenJPEG, WASM',
  decoder: ofStream('opj_decompress', 'j2k', inOut('out.rawl')),
  encoder: ofMap('opj_compress', inOut('out.j2k')),
};
const htj2k = {
  syntax: '1.2.840.10008.1.2.4.201',
  by: 'OpenJPH, WASM',
  encoder: ofMap('ojph_compress', inOut('out.j2c', '-reversible', 'true')),
};
/** Of JPEG Baseline these matter: slices and tiles, ultrasound, radiographs. */
const baseline = {
  sizes: [
    [512, 512],
    [1024, 1024],
    [2048, 2500],
  ],
  syntax: '1.2.840.10008.1.2.4.50',
  isByte: true,
  by: libjpegTurbo() instanceof Error ? 'sharp, IJG libjpeg in WASM' : 'libjpeg-turbo',
  decoder: ofStream('djpeg', 'jpg', (from) => ['-outfile', file('out.ppm'), from]),
  encoder: ofMap('cjpeg', (from) => ['-quality', '90', '-sample', '1x1', '-outfile', file('out.jpg'), from]),
};
const jxl = {
  syntax: '1.2.840.10008.1.2.4.110',
  by: 'libjxl, WASM',
  make: jpegXl,
  decoder: ofStream('djxl', 'jxl', (from) => [from, file('out.ppm'), '--num_threads=0']),
};
const codecs = [
  {
    name: 'RLE',
    syntax: '1.2.840.10008.1.2.5',
    by: 'own, TypeScript',
    decoder: ofObject('dcmdrle'),
    encoder: ofObject('dcmcrle'),
  },
  { name: 'JPEG baseline', ...baseline },
  { name: 'JPEG baseline, colour', ...baseline, isColor: true },
  {
    name: 'JPEG baseline, colour, DCMTK',
    ...baseline,
    isColor: true,
    sizes: [[2048, 2500]],
    decoder: ofObject('dcmdjpeg'),
    encoder: undefined,
  },
  {
    name: 'JPEG extended',
    syntax: '1.2.840.10008.1.2.4.51',
    by: 'IJG libjpeg, WASM',
    make: jpegExtended,
    decoder: ofObject('dcmdjpeg'),
  },
  {
    name: 'JPEG lossless',
    syntax: '1.2.840.10008.1.2.4.70',
    by: 'IJG libjpeg, WASM',
    decoder: ofObject('dcmdjpeg'),
    encoder: ofObject('dcmcjpeg', '+e1'),
  },
  {
    name: 'JPEG-LS',
    syntax: '1.2.840.10008.1.2.4.80',
    by: 'CharLS, WASM',
    decoder: ofObject('dcmdjpls'),
    encoder: ofObject('dcmcjpls'),
  },
  { name: 'JPEG 2000', ...jpeg2000 },
  { name: 'JPEG 2000, colour', ...jpeg2000, isColor: true },
  { name: 'HTJ2K', ...htj2k, decoder: ofStream('ojph_expand', 'j2c', inOut('out.rawl')) },
  { name: 'HTJ2K, colour', ...htj2k, isColor: true, decoder: ofStream('ojph_expand', 'j2c', inOut('out.ppm')) },
  { name: 'JPEG XL', ...jxl },
  { name: 'JPEG XL, colour', ...jxl, isColor: true },
];

/**
 * Of a program at a large frame, without its start, by what it takes of a small one, and without reading its input 4 KiB
 * at a time, as the C library does. Writing what it made counts: ours has to be put in memory, too.
 * @param content of a frame, what the program reads and what it is
 * @returns undefined when the program is not here
 */
function secondsOf(program, frames, content) {
  if (program === undefined || !has(program.tool)) return undefined;
  const seconds = (frame, name, runs) => {
    const [bytes, about] = content(frame);
    const extension = { object: 'dcm', map: about.samplesPerPixel === 3 ? 'ppm' : 'pgm' }[program.input];
    const from = file(`${name}.${extension ?? program.extension}`);
    const forms = { object: () => part10(bytes, about), map: () => portableMap(bytes, about), stream: () => bytes };
    writeFileSync(from, forms[program.input]());
    const args = program.args(from);
    return cpuOf(program.tool, args, runs) - cpuOf('dd', [`if=${from}`, 'of=/dev/null', 'bs=4k'], runs);
  };
  const runs = runsFor(seconds(frames[0], 'in', 1));
  return () => seconds(frames[0], 'in', runs) - seconds(frames[1], 'small', runs);
}

const percent = (ours, theirs) => (ours && theirs ? `${((100 * ours) / theirs).toFixed(0)} %` : '');
const shown = (speed) => (speed === undefined ? '' : speed.toFixed(speed < 10 ? 1 : 0));
console.log(
  '| codec | ours | decoder: program | ours, MB/s | its | ratio | encoder: program | ours, MB/s | its | ratio |',
);
console.log(`|${' --- |'.repeat(10)}`);
for (const codec of codecs) {
  const { name, syntax, isColor = false, isByte = false, by, make, decoder, encoder, sizes = [[2048, 2048]] } = codec;
  if (only !== undefined && !name.includes(only)) continue;
  const makeFrames = async (columns, rows) => {
    const plain = describe(columns, rows, isColor);
    const native = isByte && !isColor ? { ...plain, bitsAllocated: 8, bitsStored: 8, highBit: 7 } : plain;
    const made = makeFrame(columns, rows, isColor);
    const samples = isByte && !isColor ? Uint8Array.from(new Uint16Array(made.buffer), (value) => value >> 4) : made;
    const { bytes, photometricInterpretation } = make
      ? { bytes: make(samples, native), photometricInterpretation: native.photometricInterpretation }
      : await transcodeFrame(samples, native, syntax);
    return { samples, native, bytes, description: { ...native, transferSyntaxUid: syntax, photometricInterpretation } };
  };
  for (const [columns, rows] of sizes) {
    const frames = [await makeFrames(columns, rows), await makeFrames(64, 64)];
    const [{ samples, native, bytes, description }] = frames;
    const megabytes = samples.length / 1e6;
    const decodeOnce = async () => giveBack((await decodeFrame(bytes, description)).data);
    const encodeOnce = async () => giveBack((await transcodeFrame(samples, native, syntax)).bytes);
    // Code is compiled, and memory taken, before anything counts.
    const warm = async (work) => runsFor(Math.min(await ownCpu(work, 3), await ownCpu(work, 3)));
    const decodeRuns = await warm(decodeOnce);
    const encodeRuns = make ? 0 : await warm(encodeOnce);
    const decode = () => ownCpu(decodeOnce, decodeRuns);
    const isChecked = syntax !== baseline.syntax;
    // What is encoded without loss is decoded again, which is not encoding.
    const encode = async () => (await ownCpu(encodeOnce, encodeRuns)) - (isChecked ? await decode() : 0);
    const itsDecode = secondsOf(decoder, frames, ({ bytes: content, description: about }) => [content, about]);
    const itsEncode = secondsOf(encoder, frames, ({ samples: content, native: about }) => [content, about]);
    const took = { decode: [], encode: [], itsDecode: [], itsEncode: [] };
    for (let round = 0; round < rounds; round++) {
      took.decode.push(await decode());
      if (itsDecode) took.itsDecode.push(itsDecode());
      if (!make) took.encode.push(await encode());
      if (itsEncode) took.itsEncode.push(itsEncode());
    }
    const speed = (seconds) => (seconds.length === 0 ? undefined : megabytes / Math.max(1e-5, median(seconds)));
    const ours = [speed(took.decode), speed(took.encode)];
    const [itsDecoding, itsEncoding] = [speed(took.itsDecode), speed(took.itsEncode)];
    const cells = [
      decoder.tool,
      shown(ours[0]),
      shown(itsDecoding),
      percent(ours[0], itsDecoding),
      encoder?.tool ?? '',
      shown(ours[1]),
      shown(itsEncoding),
      percent(ours[1], itsEncoding),
    ];
    console.log(`| ${name}, ${columns} x ${rows} | ${by} | ${cells.join(' | ')} |`);
  }
}
