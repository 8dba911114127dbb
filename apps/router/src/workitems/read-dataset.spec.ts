import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { toNativeDicomXml } from '#libs/dicom';
import { HttpProblem } from '#libs/server';
import type { FastifyRequest } from 'fastify';
import { readDataset } from './read-dataset.js';

const label = { '00741204': { vr: 'LO', Value: ['Read'] } };

const read = (body: unknown, contentType = 'application/dicom+json', options?: { isOptional: boolean }) =>
  readDataset({ headers: { 'content-type': contentType } } as FastifyRequest, body, 10_000, options);

async function refused(attempt: Promise<unknown>): Promise<{ status: number; detail: string }> {
  const error = await attempt.catch((reason: unknown) => reason);
  if (!(error instanceof HttpProblem)) throw new Error('It was not refused', { cause: error });
  return { status: error.getStatus(), detail: error.detail };
}

describe('readDataset', () => {
  it.each(['application/dicom+json', 'application/json', 'application/dicom+json; charset=utf-8'])(
    'takes an object, or an array of one, as %s',
    async (type) => {
      expect(await read(label, type)).toEqual(label);
      expect(await read([label], type)).toEqual(label);
    },
  );

  it('takes XML', async () => {
    expect(await read(Readable.from([Buffer.from(toNativeDicomXml(label))]), 'application/dicom+xml')).toEqual(label);
  });

  it('gives tags in upper case, and empty values as none', async () => {
    expect(await read({ '0040a370': { vr: 'SQ', Value: [] }, '00741216': { vr: 'SQ', Value: [null] } })).toEqual({
      '0040A370': { vr: 'SQ' },
      '00741216': { vr: 'SQ', Value: [{}] },
    });
  });

  it('takes nothing for an empty dataset where that is allowed', async () => {
    expect(await read(undefined, '', { isOptional: true })).toEqual({});
    expect(await read(Readable.from([]), 'application/dicom+xml', { isOptional: true })).toEqual({});
  });

  it.each<[unknown, string]>([
    [[], 'one dataset'],
    [null, 'one dataset'],
    [{ '0010': { vr: 'LO' } }, '"0010" is no tag'],
    [{ '00100010': 'x' }, '00100010 has no "vr"'],
    [{ '00100010': { vr: 'person' } }, '00100010 has no "vr"'],
    [{ '00100020': { vr: 'LO', Value: 'x' } }, '"Value" of 00100020'],
    [{ '00100020': { vr: 'LO', Value: [{}] } }, '00100020[1]'],
    [{ '00100010': { vr: 'PN', Value: [{ Alphabetic: 1 }] } }, '00100010[1]'],
    [{ '0040A370': { vr: 'SQ', Value: [{ '0020000D': { vr: 'UI', Value: ['a\0'] } }] } }, '0040A370[1].0020000D[1]'],
    [{ '00100020': { vr: 'LO', Value: ['\ud800'] } }, '00100020[1]'],
    [{ '00100020': { vr: 'LO', InlineBinary: 1 } }, '00100020'],
  ])('refuses %j and says where', async (body, says) => {
    const { status, detail } = await refused(read(body));
    expect(status).toBe(400);
    expect(detail).toContain(says);
  });

  it('refuses what is nested without end', async () => {
    let nested: object = label;
    for (let depth = 0; depth < 20; depth++) nested = { '0040A730': { vr: 'SQ', Value: [nested] } };
    expect((await refused(read(nested))).detail).toContain('deeper than 16');
    const xml = Readable.from([Buffer.from(toNativeDicomXml(nested as never))]);
    expect((await refused(read(xml, 'application/dicom+xml'))).status).toBe(400);
  });

  it('refuses XML that is too large, or none', async () => {
    const long = Readable.from([Buffer.alloc(6_000), Buffer.alloc(6_000)]);
    expect(await refused(read(long, 'application/dicom+xml'))).toMatchObject({ status: 413 });
    const none = Readable.from([Buffer.from('<NativeDicomModel>')]);
    expect(await refused(read(none, 'application/dicom+xml'))).toMatchObject({ status: 400 });
  });

  it('refuses other media types', async () => {
    expect(await refused(read('x', 'multipart/related'))).toMatchObject({ status: 415 });
  });
});
