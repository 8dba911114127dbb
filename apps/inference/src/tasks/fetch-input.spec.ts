import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type DicomJson, explicitLittleEndian, jsonText, readPart10 } from '#libs/dicom';
import { type InstanceDescription, makeInstance } from '../../../../test/support/make-instance.js';
import { temporaryFolder } from '../../../../test/support/temporary-folder.js';
import type { ModelInput } from '../models/model.js';
import { ArchiveClient } from './archive-client.js';
import { fetchInput } from './fetch-input.js';

const rle = '1.2.840.10008.1.2.5';
const jpeg = '1.2.840.10008.1.2.4.50';
const bigEndian = '1.2.840.10008.1.2.2';
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Slice {
  bytes: Buffer;
  metadata: DicomJson;
  uid: string;
}

function slices(count: number, more: (index: number) => InstanceDescription = () => ({})): Slice[] {
  return Array.from({ length: count }, (_, index) => {
    const bytes = makeInstance({ seed: 3, instanceNumber: index + 1, ...more(index) });
    const { dataset, sopInstanceUid: uid, transferSyntaxUid } = readPart10(bytes);
    return { bytes, uid, metadata: { ...dataset, '00083002': { vr: 'UI', Value: [transferSyntaxUid] } } };
  });
}

/** A made-up frame that tells whose it is, where it comes by itself. */
const alone = (uid: string) => Buffer.from(`frame of ${uid}`);

/** An archive that is not ours, and what it was asked for. @param series what it answers for the whole */
async function archive(series: { status: number; parts: Buffer[]; isCutOff?: boolean }) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = request.url!;
    asked.push(url.includes('/frames/') ? 'frames' : 'series');
    const isSeries = !url.includes('/frames/');
    const status = isSeries ? series.status : 200;
    const parts = isSeries ? series.parts : [alone(/instances\/([^/]+)/.exec(url)![1]!)];
    response.writeHead(status, { 'content-type': 'multipart/related; type="application/dicom"; boundary=xx' });
    for (const part of parts) response.write(Buffer.concat([Buffer.from('\r\n--xx\r\nA: b\r\n\r\n'), part]));
    response.end(isSeries && series.isCutOff ? '' : '\r\n--xx--');
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { client: new ArchiveClient(url, undefined, new AbortController().signal), asked };
}

function inputOf(chosen: Slice[]): ModelInput {
  return {
    seriesInstanceUid: jsonText(chosen[0]!.metadata, '0020000E')!,
    instances: chosen.map(({ metadata }) => metadata),
    frames: chosen.map(({ uid }) => ({ sopInstanceUid: uid, frameNumber: 1 })),
    bulkData: [],
  };
}

/** The bytes that came of each frame, by its instance. */
async function fetched(client: ArchiveClient, chosen: Slice[], all = chosen): Promise<Map<string, Buffer>> {
  const instances = all.map(({ metadata }) => metadata);
  const { frameFiles } = await fetchInput(client, inputOf(chosen), instances, temporaryFolder('fetch'), '00');
  expect(frameFiles).toHaveLength(chosen.length);
  return new Map(
    frameFiles.map(({ sopInstanceUid, file, place }) => {
      const bytes = readFileSync(file);
      return [sopInstanceUid, place ? bytes.subarray(place.offset, place.offset + place.length) : bytes];
    }),
  );
}

function pixelsOf({ bytes }: Slice): Buffer {
  const { frames } = readPart10(bytes);
  if (frames.kind !== 'native') throw new Error(frames.kind);
  return bytes.subarray(frames.pixelDataOffset, frames.pixelDataOffset + frames.frameBits / 8);
}

describe('fetchInput', () => {
  it('asks once for a series of slices, and takes of each its frame', async () => {
    const all = slices(20);
    const { client, asked } = await archive({ status: 200, parts: all.map(({ bytes }) => bytes).reverse() });
    const got = await fetched(client, all);
    for (const slice of all) expect(got.get(slice.uid)?.equals(pixelsOf(slice))).toBe(true);
    expect(asked).toEqual(['series']);
  });

  it('puts slices that are larger than a file is meant to be into several', async () => {
    const all = slices(18, () => ({ rows: 256, columns: 1024, bitsAllocated: 8 }));
    const { client } = await archive({ status: 200, parts: all.map(({ bytes }) => bytes) });
    const got = await fetched(client, all);
    for (const slice of all) expect(got.get(slice.uid)?.equals(pixelsOf(slice))).toBe(true);
  });

  it('takes a compressed frame as it is, and asks for those in several fragments by themselves', async () => {
    const all = slices(16, (index) => ({
      transferSyntaxUid: jpeg,
      bitsAllocated: 8,
      fragmentsPerFrame: index === 5 ? 2 : 1,
    }));
    const { client, asked } = await archive({ status: 200, parts: all.map(({ bytes }) => bytes) });
    const got = await fetched(client, all);
    expect([...got.get(all[0]!.uid)!.subarray(0, 2)]).toEqual([0xff, 0xd8]);
    expect(got.get(all[5]!.uid)).toEqual(alone(all[5]!.uid));
    expect(asked).toEqual(['series', 'frames']);
  });

  it.each([
    ['refuses to give series', { status: 406, parts: [] }],
    ['does not know how', { status: 501, parts: [] }],
    ['gives something else', { status: 200, parts: [Buffer.from('no DICOM')] }],
  ])('asks for each frame where an archive %s', async (_, answer) => {
    const all = slices(16);
    const { client, asked } = await archive(answer);
    const got = await fetched(client, all);
    for (const { uid } of all) expect(got.get(uid)).toEqual(alone(uid));
    expect(asked).toEqual(['series', ...Array.from({ length: 16 }, () => 'frames')]);
  });

  it('asks by themselves for those that an archive leaves out', async () => {
    const all = slices(16);
    const { client, asked } = await archive({ status: 206, parts: all.slice(2).map(({ bytes }) => bytes) });
    const got = await fetched(client, all);
    expect(got.get(all[1]!.uid)).toEqual(alone(all[1]!.uid));
    expect(got.get(all[2]!.uid)).toEqual(pixelsOf(all[2]!));
    expect(asked).toEqual(['series', 'frames', 'frames']);
  });

  it('does not take what was cut off for the whole', async () => {
    const all = slices(16);
    const parts = all.map(({ bytes }) => bytes);
    const { client } = await archive({ status: 200, parts, isCutOff: true });
    await expect(fetched(client, all)).rejects.toThrow(/ends within part 16/);
  });

  it.each([
    ['few slices', slices(15), undefined],
    ['a few of many slices', slices(16), slices(40)],
    ['several frames each', slices(16, () => ({ frames: 2 })), undefined],
    ['big endian', slices(16, () => ({ transferSyntaxUid: bigEndian })), undefined],
  ])('asks for frames alone where there are %s', async (_, chosen, all) => {
    const { client, asked } = await archive({ status: 200, parts: [] });
    await fetched(client, chosen, all ?? chosen);
    expect(new Set(asked)).toEqual(new Set(['frames']));
  });

  it('knows the syntax of each slice of a mixed series', async () => {
    const all = slices(16, (index) => (index % 2 === 0 ? {} : { transferSyntaxUid: rle, bitsAllocated: 8 }));
    const { client } = await archive({ status: 200, parts: all.map(({ bytes }) => bytes) });
    const { frameFiles } = await fetchInput(
      client,
      inputOf(all),
      all.map(({ metadata }) => metadata),
      temporaryFolder('fetch'),
      '00',
    );
    const syntaxes = new Map(frameFiles.map((one) => [one.sopInstanceUid, one.transferSyntaxUid]));
    expect(all.map(({ uid }) => syntaxes.get(uid))).toEqual(
      all.map((_, index) => (index % 2 === 0 ? explicitLittleEndian : rle)),
    );
  });
});
