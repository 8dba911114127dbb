import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { api, type DICOMwebClient } from 'dicomweb-client';
import sharp from 'sharp';
import XMLHttpRequest from 'xhr2';
import { type DicomJson, readFrameRange, readPart10 } from '#libs/dicom';
import { startArchive, store } from '../e2e/wado-support.js';
import { makeInstance } from '../support/make-instance.js';

jest.setTimeout(300_000);
(globalThis as Record<string, unknown>)['XMLHttpRequest'] ??= XMLHttpRequest;

/** Methods that ask the server for nothing. */
const localMethods = new Set(['setDebug', 'getDebug', 'setVerbose', 'getVerbose']);

const jpegBaseline = '1.2.840.10008.1.2.4.50';
const explicitLittleEndian = '1.2.840.10008.1.2.1';

/** Every method of the package that most web viewers are built on, as they call it. */
describe('dicomweb-client', () => {
  let suite: Awaited<ReturnType<typeof startArchive>>;
  let client: DICOMwebClient;
  let singlepart: DICOMwebClient;
  const called = new Set<string>();

  const ct = [1, 2, 3].map((instanceNumber) =>
    makeInstance({ instanceNumber, rows: 32, columns: 32, patientName: 'Client^One', seed: 71 }),
  );
  const cine = makeInstance({
    modality: 'US',
    rows: 24,
    columns: 32,
    frames: 5,
    samplesPerPixel: 3,
    transferSyntaxUid: jpegBaseline,
    seed: 72,
    attributes: { '00282000': { vr: 'OB', InlineBinary: Buffer.alloc(4096, 7).toString('base64') } },
  });
  const at = (bytes: Buffer) => {
    const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = readPart10(bytes);
    return { studyInstanceUID: studyInstanceUid, seriesInstanceUID: seriesInstanceUid, sopInstanceUID: sopInstanceUid };
  };
  const { studyInstanceUID, seriesInstanceUID } = at(ct[0]!);

  /** The client, with what is called written down. */
  function watched(options: ConstructorParameters<typeof api.DICOMwebClient>[0]): DICOMwebClient {
    return new Proxy(new api.DICOMwebClient(options), {
      get(target, name) {
        if (typeof name === 'string') called.add(name);
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  beforeAll(async () => {
    suite = await startArchive();
    client = watched({ url: suite.dicomweb, verbose: false });
    singlepart = watched({ url: suite.dicomweb, verbose: false, singlepart: 'bulkdata,video,image' });
    await store(suite.dicomweb, [cine]);
  });
  afterAll(async () => {
    await suite?.stop();
  });

  it('stores, anywhere and in a study', async () => {
    const datasets = ct.map((bytes) => new Uint8Array(bytes).buffer);
    await client.storeInstances({ datasets: datasets.slice(0, 1) });
    await client.storeInstances({ datasets, studyInstanceUID });
    const found = await client.searchForStudies({ queryParams: { StudyInstanceUID: studyInstanceUID } });
    expect(valuesOf(found, '00201208')).toEqual([3]);
  });

  it('searches for studies, series and instances', async () => {
    const studies = await client.searchForStudies({
      queryParams: { PatientName: '*Client*', limit: 101, offset: 0, fuzzymatching: 'false' },
    });
    expect(valuesOf(studies, '0020000D')).toEqual([studyInstanceUID]);
    expect(await client.searchForStudies({ queryParams: { PatientID: 'nobody' } })).toEqual([]);
    expect(valuesOf(await client.searchForSeries({ studyInstanceUID }), '0020000E')).toEqual([seriesInstanceUID]);
    const everySeries = await client.searchForSeries({ queryParams: { Modality: 'US' } });
    expect(valuesOf(everySeries, '0020000E')).toEqual([at(cine).seriesInstanceUID]);
    const uids = ct.map((bytes) => at(bytes).sopInstanceUID).sort();
    for (const place of [{ studyInstanceUID, seriesInstanceUID }, { studyInstanceUID }]) {
      expect(valuesOf(await client.searchForInstances(place), '00080018').sort()).toEqual(uids);
    }
    const anywhere = await client.searchForInstances({ queryParams: { SOPInstanceUID: uids[0]! } });
    expect(valuesOf(anywhere, '00080018')).toEqual([uids[0]]);
  });

  it('retrieves metadata of a study, a series, an instance', async () => {
    expect(await client.retrieveStudyMetadata({ studyInstanceUID })).toHaveLength(3);
    expect(await client.retrieveSeriesMetadata({ studyInstanceUID, seriesInstanceUID })).toHaveLength(3);
    const metadata = await client.retrieveInstanceMetadata(at(cine));
    expect(valuesOf([metadata].flat(), '00280008')).toEqual([5]);
  });

  it('retrieves studies, series and instances byte for byte', async () => {
    const expected = ct.map((bytes) => bytes.toString('base64')).sort();
    const encode = (parts: ArrayBuffer[]) => parts.map((part) => Buffer.from(part).toString('base64')).sort();
    expect(encode(await client.retrieveStudy({ studyInstanceUID }))).toEqual(expected);
    expect(encode(await client.retrieveSeries({ studyInstanceUID, seriesInstanceUID }))).toEqual(expected);
    expect(encode([await client.retrieveInstance(at(cine))])).toEqual([cine.toString('base64')]);
  });

  it('retrieves frames by every way it has of asking', async () => {
    const frames = [3, 1].map((number) => frameOf(cine, number).toString('base64'));
    for (const mediaTypes of [
      [{ mediaType: 'image/jpeg', transferSyntaxUID: jpegBaseline }],
      [{ mediaType: 'application/octet-stream', transferSyntaxUID: '*' }],
      [
        { mediaType: 'image/jpeg', transferSyntaxUID: jpegBaseline },
        { mediaType: 'application/octet-stream', transferSyntaxUID: explicitLittleEndian },
      ],
    ]) {
      const parts = await client.retrieveInstanceFrames({ ...at(cine), frameNumbers: [3, 1], mediaTypes });
      expect(parts.map((part) => Buffer.from(part).toString('base64'))).toEqual(frames);
    }
    const [plain] = await client.retrieveInstanceFrames({ ...at(ct[0]!), frameNumbers: [1] });
    expect(plain!.byteLength).toBe(32 * 32 * 2);
  });

  it('retrieves pictures and thumbnails of instances and frames', async () => {
    const sizeOf = async (answer: ArrayBuffer) => {
      // Some of its methods give a list of one.
      const [picture] = [answer].flat();
      const { format, width, height } = await sharp(Buffer.from(picture!)).metadata();
      return [format, width, height];
    };
    const [jpeg, png] = ['image/jpeg', 'image/png'].map((mediaType) => ({ mediaTypes: [{ mediaType }] }));
    const frameNumbers = [2];
    expect(await sizeOf(await client.retrieveInstanceRendered(at(cine)))).toEqual(['jpeg', 32, 24]);
    const window = { ...png, queryParams: { window: '40,400,linear' } };
    expect(await sizeOf(await client.retrieveInstanceRendered({ ...at(ct[0]!), ...window }))).toEqual(['png', 32, 32]);
    const rendered = await client.retrieveInstanceFramesRendered({ ...at(cine), frameNumbers, ...png });
    expect(await sizeOf(rendered)).toEqual(['png', 32, 24]);
    const small = { queryParams: { viewport: '16,16' } };
    expect(await sizeOf(await client.retrieveInstanceThumbnail({ ...at(cine), ...jpeg, ...small }))).toEqual([
      'jpeg',
      16,
      12,
    ]);
    const thumbnail = await client.retrieveInstanceFramesThumbnail({ ...at(cine), frameNumbers, ...jpeg, ...small });
    expect(await sizeOf(thumbnail)).toEqual(['jpeg', 16, 12]);
  });

  it('retrieves bulk data, as a part, and by itself', async () => {
    const [metadata] = [await client.retrieveInstanceMetadata(at(cine))].flat() as DicomJson[];
    const BulkDataURI = metadata!['00282000']?.BulkDataURI;
    if (BulkDataURI === undefined) throw new Error('The profile is not given by reference');
    const whole = await client.retrieveBulkData({ BulkDataURI });
    expect(whole.map((part) => Buffer.from(part).equals(Buffer.alloc(4096, 7)))).toEqual([true]);
    const headers = { Accept: 'application/octet-stream' };
    for (const options of [{ BulkDataURI }, { BulkDataURI, headers }]) {
      const single = await singlepart.retrieveBulkData(options);
      expect(single.map((part) => Buffer.from(part).equals(Buffer.alloc(4096, 7)))).toEqual([true]);
    }
  });

  it('builds a WADO-URI address that is answered', async () => {
    const url = client.buildInstanceWadoURIUrl(at(cine));
    const response = await fetch(url);
    expect([url, response.status]).toEqual([url, 200]);
    expect(response.headers.get('content-type')).toContain('application/dicom');
    expect(Buffer.from(await response.arrayBuffer()).equals(cine)).toBe(true);
  });

  it('has no method that is not tried here', () => {
    const methods = Object.getOwnPropertyNames(api.DICOMwebClient.prototype).filter(
      (name) => name !== 'constructor' && !name.startsWith('_') && !localMethods.has(name),
    );
    expect(methods.length).toBeGreaterThan(15);
    expect(methods.filter((name) => !called.has(name))).toEqual([]);
  });
});

function valuesOf(items: unknown[], tag: string): unknown[] {
  return (items as DicomJson[]).map((item) => item[tag]?.Value?.[0]);
}

function frameOf(bytes: Buffer, frame: number): Buffer {
  const { frames } = readPart10(bytes);
  if (frames.kind !== 'encapsulated') throw new Error(`The frames are ${frames.kind}`);
  const { offset, length } = readFrameRange(frames.entries, frame - 1);
  return bytes.subarray(offset, offset + length);
}
