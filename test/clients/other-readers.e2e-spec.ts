import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import { type DicomJson, readPart10 } from '#libs/dicom';
import { readParts, startArchive, store } from '../e2e/wado-support.js';
import { makeInstance } from '../support/make-instance.js';

jest.setTimeout(300_000);

const hasProgram = (name: string, ...args: string[]) => spawnSync(name, args, { stdio: 'ignore' }).status === 0;
const hasDcmtk = hasProgram('dcmdump', '--version') && hasProgram('dcm2json', '--version');
const hasPydicom = hasProgram('python3', '-c', 'import pydicom');
const hasPythonClient = hasProgram('python3', '-c', 'import dicomweb_client, pydicom');
if (!hasDcmtk) console.warn('DCMTK is not on this machine: what it reads of our answers is not tested.');
if (!hasPythonClient) console.warn('dicomweb-client for Python is not on this machine: it is not tested.');

/** What others read of our answers, and what programs ask that cannot run here. */
describe('other readers', () => {
  let suite: Awaited<ReturnType<typeof startArchive>>;
  const instances = [1, 2, 3].map((instanceNumber) =>
    makeInstance({ instanceNumber, rows: 16, columns: 16, patientName: 'Läser^Anna', seed: 91 }),
  );
  const cine = makeInstance({
    modality: 'US',
    rows: 24,
    columns: 32,
    frames: 3,
    samplesPerPixel: 3,
    transferSyntaxUid: '1.2.840.10008.1.2.4.50',
    seed: 92,
  });
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = readPart10(instances[0]!);
  const seriesPath = `studies/${studyInstanceUid}/series/${seriesInstanceUid}`;

  beforeAll(async () => {
    suite = await startArchive();
    await store(suite.dicomweb, [...instances, cine]);
  });
  afterAll(async () => {
    await suite?.stop();
  });

  const get = (place: string, accept?: string) =>
    fetch(`${suite.dicomweb}/${place}`, { headers: accept === undefined ? {} : { accept } });

  async function toFile(response: Response, name: string): Promise<string> {
    expect(response.status).toBe(200);
    const file = path.join(suite.dataDir, name);
    writeFileSync(file, Buffer.from(await response.arrayBuffer()));
    return file;
  }

  (hasDcmtk ? describe : describe.skip)('DCMTK', () => {
    it('reads an instance, and says of it what our metadata says', async () => {
      const accept = 'application/dicom; transfer-syntax=*';
      const file = await toFile(await get(`${seriesPath}/instances/${sopInstanceUid}`, accept), 'instance.dcm');
      const dumped = execFileSync('dcmdump', ['-q', '--convert-to-utf8', '+P', 'PatientName', file]).toString();
      expect(dumped).toContain('[Läser^Anna]');
      const theirs = JSON.parse(execFileSync('dcm2json', ['-q', '-fc', file]).toString()) as DicomJson;
      const response = await get(`${seriesPath}/instances/${sopInstanceUid}/metadata`);
      const [ours] = (await response.json()) as DicomJson[];
      for (const [tag, element] of Object.entries(theirs)) {
        // Group 0002 is no metadata, and pixel data stands by itself; numbers as text are numbers all the same.
        if (tag.startsWith('0002') || tag === '7FE00010') continue;
        const comparable = (of: DicomJson[string] | undefined) => [of?.vr, of?.Value?.map((value) => plain(value))];
        expect([tag, ...comparable(ours?.[tag])]).toEqual([tag, ...comparable(element)]);
      }
    });

    it('reads an instance in another transfer syntax than it was stored in', async () => {
      const cineUids = readPart10(cine);
      const url = `studies/${cineUids.studyInstanceUid}/series/${cineUids.seriesInstanceUid}/instances/${cineUids.sopInstanceUid}`;
      const accept = 'application/dicom; transfer-syntax=1.2.840.10008.1.2.1';
      const file = await toFile(await get(url, accept), 'explicit.dcm');
      const dumped = execFileSync('dcmdump', [
        '-q',
        '+P',
        'TransferSyntaxUID',
        '+P',
        'NumberOfFrames',
        file,
      ]).toString();
      expect(dumped).toContain('LittleEndianExplicit');
      expect(dumped).toContain('[3]');
    });
  });

  (hasPydicom ? it : it.skip)('pydicom reads an instance', async () => {
    const accept = 'application/dicom; transfer-syntax=*';
    const file = await toFile(await get(`${seriesPath}/instances/${sopInstanceUid}`, accept), 'pydicom.dcm');
    const script = 'import sys, pydicom; d = pydicom.dcmread(sys.argv[1]); print(d.PatientName, d.pixel_array.shape)';
    expect(execFileSync('python3', ['-c', script, file]).toString()).toContain('(16, 16)');
  });

  (hasPythonClient ? it : it.skip)('dicomweb-client for Python searches, retrieves and stores', () => {
    const script = `
import sys
from io import BytesIO
import pydicom
from dicomweb_client.api import DICOMwebClient
client = DICOMwebClient(url=sys.argv[1])
studies = client.search_for_studies(search_filters={'PatientName': 'L*'}, get_remaining=True, limit=1)
study = studies[0]['0020000D']['Value'][0]
instances = client.retrieve_study(study)
metadata = client.retrieve_study_metadata(study)
answer = client.store_instances(datasets=instances)
print(len(studies), len(instances), len(metadata), len(answer.ReferencedSOPSequence))
`;
    expect(execFileSync('python3', ['-c', script, suite.dicomweb]).toString().trim()).toBe('1 3 3 3');
  });

  describe('Weasis', () => {
    it('asks for series with an empty parameter, and for counts', async () => {
      const answer = await get(`studies/${studyInstanceUid}/series?&includefield=00081030&includefield=00080060`);
      const [series] = (await answer.json()) as DicomJson[];
      expect(series?.['0020000E']?.Value).toEqual([seriesInstanceUid]);
      const counted = await get(
        `studies/${studyInstanceUid}/series?0020000E=${seriesInstanceUid}&includefield=00201209`,
      );
      const [counts] = (await counted.json()) as DicomJson[];
      expect(Number(counts?.['00201209']?.Value?.[0])).toBe(3);
      const anySeries = await get(`series?0020000E=${seriesInstanceUid}&includefield=00100010%2C00081030`);
      const [withStudy] = (await anySeries.json()) as DicomJson[];
      expect(withStudy?.['00100010']?.Value).toEqual([{ Alphabetic: 'Läser^Anna' }]);
    });

    it('asks for the instance in the middle, and its thumbnail', async () => {
      const middle = await get(`${seriesPath}/instances?includefield=00080018&limit=1&offset=1`);
      const found = (await middle.json()) as DicomJson[];
      expect(found).toHaveLength(1);
      for (const url of [seriesPath, `${seriesPath}/instances/${String(found[0]?.['00080018']?.Value?.[0])}`]) {
        const response = await get(`${url}/thumbnail?viewport=256%2C256`, 'image/jpeg');
        const { format } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
        expect([response.status, format]).toEqual([200, 'jpeg']);
      }
    });

    it('stores, and reads the answer as XML', async () => {
      const response = await fetch(`${suite.dicomweb}/studies`, {
        method: 'POST',
        headers: {
          'content-type': 'multipart/related;type="application/dicom";boundary=weasis',
          accept: 'application/dicom+xml',
        },
        body: Buffer.concat([
          Buffer.from('\r\n--weasis\r\nContent-Type: application/dicom\r\n\r\n'),
          instances[0]!,
          Buffer.from('\r\n--weasis--\r\n'),
        ]),
      });
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/dicom+xml']);
      expect(await response.text()).toContain('<DicomAttribute tag="00081199"');
    });
  });

  it.each([
    ['3D Slicer', 'multipart/related; type="application/dicom"'],
    ['who takes whatever is stored', 'multipart/related; type="application/dicom"; transfer-syntax=*'],
    ['who says nothing of types', '*/*'],
  ])('gives a series to %s', async (_who, accept) => {
    const response = await get(seriesPath, accept);
    expect(response.status).toBe(200);
    const parts = await readParts(response);
    expect(parts.map(({ body }) => readPart10(body).sopInstanceUid).sort()).toEqual(
      instances.map((bytes) => readPart10(bytes).sopInstanceUid).sort(),
    );
  });

  it('answers the many ways in which programs ask for JSON', async () => {
    for (const accept of [
      'application/dicom+json, multipart/related; type="application/octet-stream"; transfer-syntax=*',
      'application/dicom+json, application/json',
      'application/json',
      '*/*',
    ]) {
      for (const url of ['studies', `studies/${studyInstanceUid}/series`, `${seriesPath}/metadata`]) {
        const response = await get(url, accept);
        expect([accept, url, response.status]).toEqual([accept, url, 200]);
        expect(response.headers.get('content-type')).toMatch(/^application\/(dicom\+)?json$/);
        expect(Array.isArray(await response.json())).toBe(true);
      }
    }
  });
});

/** Numbers as text are numbers, so that what differs in nothing else is the same. */
function plain(value: unknown): unknown {
  if (typeof value === 'string' && value !== '' && Number.isFinite(Number(value))) return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}
