import type { DicomJson } from '#libs/dicom';
import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { multipartBody } from '../support/multipart.js';
import { makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';

/** The suite without models: nothing stores results into the studies under test. */
export async function startArchive(): Promise<RunningProcess & { dataDir: string }> {
  const { dataDir, remove } = await makeDataDir();
  const modelsDir = path.join(dataDir, 'no-models');
  await mkdir(modelsDir);
  const suite = await startApp({ dataDir, environment: { ISOCENTER_MODELS_DIR: modelsDir } });
  return {
    ...suite,
    dataDir,
    stop: async () => {
      const code = await suite.stop();
      await remove();
      return code;
    },
  };
}

/** Stores instances over STOW-RS, some at a time. */
export async function store(dicomweb: string, instances: readonly Uint8Array[]): Promise<void> {
  for (let at = 0; at < instances.length; at += 50) {
    const { contentType, body } = multipartBody(instances.slice(at, at + 50));
    const response = await fetch(`${dicomweb}/studies`, {
      method: 'POST',
      headers: { 'content-type': contentType, accept: 'application/dicom+json' },
      body: new Uint8Array(body),
    });
    if (response.status !== 200) throw new Error(`STOW-RS answered ${response.status}: ${await response.text()}`);
    await response.arrayBuffer();
  }
}

export const get = (url: string, accept?: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, { headers: { ...(accept !== undefined && { accept }), ...headers } });

export const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

export interface ReadPart {
  headers: string;
  body: Buffer;
}

/** Reads a multipart answer strictly: the boundary of the header field, CRLF, and nothing around. */
export async function readParts(response: Response): Promise<ReadPart[]> {
  const boundary = /boundary=([^;]+)/.exec(response.headers.get('content-type') ?? '')?.[1];
  if (boundary === undefined) throw new Error(`No boundary in ${response.headers.get('content-type')}`);
  const bytes = Buffer.from(await response.arrayBuffer());
  const parts: ReadPart[] = [];
  let at = 0;
  for (;;) {
    const line = Buffer.from(`${at === 0 ? '' : '\r\n'}--${boundary}`);
    if (!bytes.subarray(at, at + line.length).equals(line)) throw new Error(`No boundary at byte ${at}`);
    at += line.length;
    if (bytes.subarray(at).toString('latin1') === '--\r\n') return parts;
    const head = bytes.indexOf('\r\n\r\n', at);
    const end = bytes.indexOf(`\r\n--${boundary}`, head + 4);
    if (head === -1 || end === -1) throw new Error(`A part is cut off at byte ${at}`);
    parts.push({ headers: bytes.toString('latin1', at + 2, head), body: bytes.subarray(head + 4, end) });
    at = end;
  }
}

export const digestOf = (parts: readonly Uint8Array[]): string[] =>
  parts.map((part) => Buffer.from(part).toString('base64')).sort();

/** Every BulkDataURI of a dataset, those in sequences too. */
export function urisIn(dataSet: DicomJson): string[] {
  return Object.values(dataSet).flatMap((element) =>
    element.BulkDataURI !== undefined
      ? [element.BulkDataURI]
      : element.vr === 'SQ'
        ? (element.Value ?? []).flatMap((item) => urisIn(item as DicomJson))
        : [],
  );
}

/** The files of packs, to be damaged. */
export async function blobsIn(dataDir: string): Promise<string[]> {
  const entries = await readdir(path.join(dataDir, 'blobs'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** The files of a zip file that deflates nothing, by its directory; each checked against its CRC. */
export function readZip(bytes: Buffer): Map<string, Buffer> {
  const end = bytes.lastIndexOf(Buffer.from('504b0506', 'hex'));
  if (end === -1) throw new Error('The zip file has no directory');
  const files = new Map<string, Buffer>();
  let at = bytes.readUInt32LE(end + 16);
  for (let entry = 0; entry < bytes.readUInt16LE(end + 10); entry++) {
    if (bytes.readUInt16LE(at + 10) !== 0) throw new Error('An entry is compressed');
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field));
    const name = bytes.toString('utf8', at + 46, at + 46 + nameBytes!);
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const content = bytes.subarray(start, start + bytes.readUInt32LE(at + 24));
    if (crc32(content) !== bytes.readUInt32LE(at + 16)) throw new Error(`${name} is damaged`);
    files.set(name, content);
    at += 46 + nameBytes! + extraBytes! + commentBytes!;
  }
  return files;
}
