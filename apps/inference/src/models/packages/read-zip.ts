import { open, type FileHandle } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { Transform } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { PackageError } from './package-error.js';

/** APPNOTE 6.3: signatures, and sizes of the fixed parts. */
const endSignature = 0x06054b50;
const centralSignature = 0x02014b50;
const localSignature = 0x04034b50;
const endBytes = 22;
const centralBytes = 46;
const localBytes = 30;
const commentBytesMax = 65_535;
const directoryBytesMax = 1024 * 1024;
const entriesMax = 64;

export interface ZipEntry {
  /** As written, with forward slashes; checked to stay inside. */
  name: string;
  method: 'stored' | 'deflated';
  compressedBytes: number;
  bytes: number;
  crc: number;
  offset: number;
}

/**
 * The files of a zip archive, by its central directory. Folders are left out. Refuses what a package of a model never has: names that
 * lead elsewhere, links, encryption, other methods, two files of one name, more than a handful of files.
 *
 * @throws PackageError 'invalid-package'
 */
export async function listZip(path: string): Promise<ZipEntry[]> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const tail = await read(
      file,
      Math.max(0, size - endBytes - commentBytesMax),
      Math.min(size, endBytes + commentBytesMax),
    );
    let at = tail.length - endBytes;
    while (at >= 0 && tail.readUInt32LE(at) !== endSignature) at--;
    if (at < 0) throw invalid('the body is no zip archive (it has no end of central directory)');
    const [count, directoryBytes, directoryOffset] = [
      tail.readUInt16LE(at + 10),
      tail.readUInt32LE(at + 12),
      tail.readUInt32LE(at + 16),
    ];
    if (count === 0xffff || directoryOffset === 0xffffffff) throw invalid('archives of ZIP64 are not taken');
    if (count > entriesMax) throw invalid(`it has ${count} entries; a model has model.json, model.onnx and README.md`);
    if (directoryBytes > directoryBytesMax || directoryOffset + directoryBytes > size)
      throw invalid('its central directory does not lie inside it');
    return entriesOf(await read(file, directoryOffset, directoryBytes), count);
  } finally {
    await file.close();
  }
}

function entriesOf(directory: Buffer, count: number): ZipEntry[] {
  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + centralBytes > directory.length || directory.readUInt32LE(at) !== centralSignature)
      throw invalid(`entry ${index + 1} of its central directory is damaged`);
    const [flags, method] = [directory.readUInt16LE(at + 8), directory.readUInt16LE(at + 10)];
    const [nameBytes, extraBytes, ownCommentBytes] = [28, 30, 32].map((offset) =>
      directory.readUInt16LE(at + offset),
    ) as [number, number, number];
    const name = directory.toString('utf8', at + centralBytes, at + centralBytes + nameBytes);
    const unixMode = directory.readUInt32LE(at + 38) >>> 16;
    const entry = {
      crc: directory.readUInt32LE(at + 16),
      compressedBytes: directory.readUInt32LE(at + 20),
      bytes: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    };
    at += centralBytes + nameBytes + extraBytes + ownCommentBytes;

    checkName(name);
    if (name.endsWith('/')) continue;
    if ((unixMode & 0o170000) === 0o120000) throw invalid(`${show(name)} is a link; a model has files only`);
    if (flags & 1) throw invalid(`${show(name)} is encrypted`);
    if (method !== 0 && method !== 8)
      throw invalid(`${show(name)} is compressed by method ${method}; stored and deflated are read`);
    if (names.has(name)) throw invalid(`${show(name)} is in it twice`);
    names.add(name);
    entries.push({ name, method: method === 0 ? 'stored' : 'deflated', ...entry });
  }
  return entries;
}

/** A name that would be written outside of the folder it is unpacked to ("zip slip"). */
function checkName(name: string): void {
  const parts = name.split('/');
  const leadsElsewhere =
    name === '' ||
    name.startsWith('/') ||
    name.includes('\\') ||
    name.includes('\0') ||
    /^[A-Za-z]:/.test(name) ||
    parts.includes('..');
  if (leadsElsewhere) throw invalid(`an entry is named ${show(name)}, which leads out of the archive`);
}

/**
 * Unpacks one entry to a file, to `bytesMax` and no further, whatever the archive says of its size.
 *
 * @throws PackageError 'invalid-package', 'package-too-large'
 */
export async function unpack(zip: string, entry: ZipEntry, to: string, bytesMax: number): Promise<void> {
  if (entry.bytes > bytesMax) throw tooLarge(entry, bytesMax);
  const file = await open(zip, 'r');
  try {
    const header = await read(file, entry.offset, localBytes);
    if (header.length < localBytes || header.readUInt32LE(0) !== localSignature)
      throw invalid(`${show(entry.name)} is not where the central directory says`);
    const start = entry.offset + localBytes + header.readUInt16LE(26) + header.readUInt16LE(28);
    let [bytes, crc] = [0, 0];
    const check = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        crc = crc32(chunk, crc);
        done(bytes > bytesMax || bytes > entry.bytes ? tooLarge(entry, Math.min(bytesMax, entry.bytes)) : null, chunk);
      },
    });
    const source = file.createReadStream({ start, end: start + entry.compressedBytes - 1, autoClose: false });
    const target = createWriteStream(to, { mode: 0o600 });
    if (entry.compressedBytes === 0) {
      target.end();
      await once(target, 'finish');
    } else if (entry.method === 'stored') await pipeline(source, check, target);
    else await pipeline(source, createInflateRaw(), check, target);
    if (bytes !== entry.bytes || crc !== entry.crc)
      throw invalid(`${show(entry.name)} is damaged: size or check sum are not those in the archive`);
  } catch (error) {
    if (error instanceof PackageError) throw error;
    throw invalid(`${show(entry.name)} cannot be unpacked: ${(error as Error).message}`);
  } finally {
    await file.close();
  }
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function tooLarge(entry: ZipEntry, bytesMax: number): PackageError {
  return new PackageError('package-too-large', `${show(entry.name)} unpacks to more than ${bytesMax} bytes.`);
}

function invalid(why: string): PackageError {
  return new PackageError('invalid-package', `The archive is not taken: ${why}.`);
}

function show(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}
