import { describe, expect, it } from '@jest/globals';
import fastify from 'fastify';
import { noteReads, wasReadWithin } from './note-reads.js';

describe('noteReads', () => {
  it('notes what a viewer asks of a study, and neither searches, uploads, long polls nor our own models', async () => {
    const server = fastify();
    noteReads(server);
    server.all('/*', () => 'here');
    const wasReadAfter = async (method: 'GET' | 'POST', url: string, headers: Record<string, string> = {}) => {
      expect((await server.inject({ method, url, headers })).statusCode).toBe(200);
      return wasReadWithin(Infinity);
    };

    await expect(wasReadAfter('GET', '/dicom-web/studies?PatientID=1')).resolves.toBe(false);
    await expect(wasReadAfter('POST', '/dicom-web/studies/1.2')).resolves.toBe(false);
    await expect(wasReadAfter('GET', '/dicom-web/changefeed?wait=25')).resolves.toBe(false);
    const ofModel = { 'X-Isocenter-Origin': 'result' };
    await expect(wasReadAfter('GET', '/dicom-web/studies/1.2/series/1.3', ofModel)).resolves.toBe(false);
    await expect(wasReadAfter('GET', '/dicom-web/studies/1.2/series/1.3')).resolves.toBe(true);
    expect(wasReadWithin(0)).toBe(false);
    await server.close();
  });
});
