import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type DicomJson, jsonItems, jsonNumber, jsonText, readFrameRange, readPart10 } from '#libs/dicom';
import { type InstanceDescription, makeInstance, testUid } from '../support/make-instance.js';
import { multipartBody } from '../support/multipart.js';
import { makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';
import { readParts } from './wado-support.js';

jest.setTimeout(600_000);

let suite: RunningProcess;
let remove: () => Promise<void>;

beforeAll(async () => {
  const folder = await makeDataDir();
  remove = folder.remove;
  const modelsDir = path.join(folder.dataDir, 'no-models');
  await mkdir(modelsDir);
  const environment = { ISOCENTER_MODELS_DIR: modelsDir, ISOCENTER_COERCION: 'study' };
  suite = await startApp({ dataDir: folder.dataDir, environment });
});
afterAll(async () => {
  await suite?.stop();
  await remove?.();
});

async function send(object: Uint8Array): Promise<{ status: number; item: DicomJson | undefined }> {
  const { contentType, body } = multipartBody([object]);
  const response = await fetch(`${suite.dicomweb}/studies`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: new Uint8Array(body),
  });
  const [item] = jsonItems((await response.json()) as DicomJson, '00081199');
  return { status: response.status, item };
}

describe('STOW-RS where it is to coerce', () => {
  it.each([
    ['Implicit VR', '1.2.840.10008.1.2', {}],
    ['Big Endian', '1.2.840.10008.1.2.2', {}],
    ['JPEG', '1.2.840.10008.1.2.4.50', { modality: 'US', samplesPerPixel: 3, fragmentsPerFrame: 2 }],
  ] as [string, string, InstanceDescription][])(
    'stores the archive’s word with a record, and everything agrees: %s',
    async (name, transferSyntaxUid, more) => {
      const studyInstanceUid = testUid(`coerced ${name}`);
      const first = makeInstance({
        studyInstanceUid,
        patientId: 'RIGHT',
        patientName: 'Right^Name',
        instanceNumber: 1,
      });
      expect((await send(first)).status).toBe(200);
      const object = makeInstance({
        studyInstanceUid,
        patientId: 'WRONG',
        patientName: 'Wrong^Name',
        instanceNumber: 2,
        frames: 3,
        transferSyntaxUid,
        ...more,
      });
      const { status, item } = await send(object);
      expect([status, jsonNumber(item!, '00081196')]).toEqual([202, 0xb000]);
      const url = jsonText(item!, '00081190')!;

      const stored = await fetch(url, { headers: { accept: 'application/dicom; transfer-syntax=*' } });
      const { dataset, transferSyntaxUid: syntax } = readPart10(Buffer.from(await stored.arrayBuffer()));
      const [metadata] = (await (await fetch(`${url}/metadata`)).json()) as DicomJson[];
      for (const said of [dataset, metadata!]) {
        expect([jsonText(said, '00100020'), said['00100010']?.Value]).toEqual([
          'RIGHT',
          [{ Alphabetic: 'Right^Name' }],
        ]);
        const [original] = jsonItems(jsonItems(said, '04000561')[0]!, '04000550');
        expect([jsonText(original!, '00100020'), original!['00100010']?.Value]).toEqual([
          'WRONG',
          [{ Alphabetic: 'Wrong^Name' }],
        ]);
      }
      expect(syntax).toBe(transferSyntaxUid);

      const frames = await fetch(`${url}/frames/3`, {
        headers: { accept: 'multipart/related; type="application/octet-stream"; transfer-syntax=*' },
      });
      expect((await readParts(frames))[0]!.body.equals(lastFrame(object))).toBe(true);
      // What was sent is known by its digest, though what is stored has another.
      expect((await send(object)).status).toBe(200);
    },
  );
});

/** As an answer has it: little endian, fragments joined. */
function lastFrame(object: Buffer): Buffer {
  const { frames, transferSyntaxUid } = readPart10(object);
  if (frames.kind === 'native') {
    const bytes = frames.frameBits / 8;
    const at = frames.pixelDataOffset + (frames.numberOfFrames - 1) * bytes;
    const frame = Buffer.from(object.subarray(at, at + bytes));
    return transferSyntaxUid === '1.2.840.10008.1.2.2' ? frame.swap16() : frame;
  }
  if (frames.kind !== 'encapsulated') throw new Error(frames.kind);
  const { offset, length, fragments } = readFrameRange(frames.entries, frames.numberOfFrames - 1);
  if (fragments === 1) return object.subarray(offset, offset + length);
  const pieces: Buffer[] = [];
  for (let at = offset; at < offset + length;) {
    const bytes = object.readUInt32LE(at + 4);
    pieces.push(object.subarray(at + 8, at + 8 + bytes));
    at += 8 + bytes;
  }
  return Buffer.concat(pieces);
}
