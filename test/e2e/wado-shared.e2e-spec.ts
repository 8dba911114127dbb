import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { api, type DICOMwebClient } from 'dicomweb-client';
import sharp from 'sharp';
import XMLHttpRequest from 'xhr2';
import { type DicomJson, readFrameRange, readPart10 } from '#libs/dicom';
import { digestOf, readParts, startArchive, store, urisIn } from './wado-support.js';

jest.setTimeout(600_000);
(globalThis as Record<string, unknown>)['XMLHttpRequest'] ??= XMLHttpRequest;

const shared = path.resolve(import.meta.dirname, '../../../shared/data/dicom');
// Real instances are too large for this repository: where they are not, there is nothing to try.
(existsSync(shared) ? describe : describe.skip)('real instances, with dicomweb-client', () => {
  let suite: Awaited<ReturnType<typeof startArchive>>;
  let client: DICOMwebClient;

  const filesIn = (folder: string) =>
    readdirSync(path.join(shared, folder), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(path.join(shared, folder, entry.name)))
      .filter((bytes) => bytes.toString('latin1', 128, 132) === 'DICM');
  const file = (name: string) => readFileSync(path.join(shared, name));

  beforeAll(async () => {
    suite = await startArchive();
    client = new api.DICOMwebClient({ url: suite.dicomweb });
  });

  afterAll(async () => {
    await suite?.stop();
  });

  /** Stores files of one study and says what they are. */
  async function storeStudy(files: Buffer[]) {
    await store(suite.dicomweb, files);
    const parsed = files.map((bytes) => ({ ...readPart10(bytes), bytes }));
    return { instances: parsed, studyInstanceUID: parsed[0]!.studyInstanceUid };
  }

  const at = (instance: { studyInstanceUid: string; seriesInstanceUid: string; sopInstanceUid: string }) => ({
    studyInstanceUID: instance.studyInstanceUid,
    seriesInstanceUID: instance.seriesInstanceUid,
    sopInstanceUID: instance.sopInstanceUid,
  });
  const urlOf = (instance: { studyInstanceUid: string; seriesInstanceUid: string; sopInstanceUid: string }) =>
    `${suite.dicomweb}/studies/${instance.studyInstanceUid}/series/${instance.seriesInstanceUid}/instances/${instance.sopInstanceUid}`;
  /** Byte for byte: who names no transfer syntax, as dicomweb-client cannot here, gets instances decoded. */
  const asStored = async (url: string) => {
    const accept = 'multipart/related; type="application/dicom"; transfer-syntax=*';
    return (await readParts(await fetch(url, { headers: { accept } }))).map(({ body }) => body);
  };
  const sizeOf = async (url: string) => {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
    const { width, height } = await sharp(Buffer.from(await response.arrayBuffer())).metadata();
    return { width, height };
  };

  /** The same object under another SOP Instance UID of the same length. */
  function renumbered(bytes: Buffer, number: number): Buffer {
    const { sopInstanceUid } = readPart10(bytes);
    const other = Buffer.from(sopInstanceUid.slice(0, -2) + String(number));
    const changed = Buffer.from(bytes);
    for (
      let found = changed.indexOf(sopInstanceUid);
      found !== -1;
      found = changed.indexOf(sopInstanceUid, found + 1)
    ) {
      other.copy(changed, found);
    }
    return changed;
  }

  /** The codestream of a frame, cut out of the file. */
  function frameOf(bytes: Buffer, frame: number): Buffer {
    const { frames } = readPart10(bytes);
    if (frames.kind !== 'encapsulated') throw new Error(`The frames are ${frames.kind}`);
    const { offset, length, fragments } = readFrameRange(frames.entries, frame - 1);
    if (fragments !== 1) throw new Error('The frame is in several fragments');
    return bytes.subarray(offset, offset + length);
  }

  it('gives a CT series of 143 JPEG-LS slices back as it came, with its metadata and frames', async () => {
    const { instances, studyInstanceUID } = await storeStudy(filesIn('ct/chest-nlst-101287'));
    const seriesInstanceUID = instances[0]!.seriesInstanceUid;
    const inSeries = instances.filter((instance) => instance.seriesInstanceUid === seriesInstanceUID);
    expect(inSeries.length).toBeGreaterThan(100);

    const study = await asStored(`${suite.dicomweb}/studies/${studyInstanceUID}`);
    expect(digestOf(study)).toEqual(digestOf(instances.map(({ bytes }) => bytes)));
    const metadata = (await client.retrieveSeriesMetadata({ studyInstanceUID, seriesInstanceUID })) as DicomJson[];
    expect(metadata.map((dataSet) => String(dataSet['00080018']?.Value?.[0])).sort()).toEqual(
      inSeries.map((instance) => instance.sopInstanceUid).sort(),
    );

    for (const instance of [inSeries[0]!, inSeries.at(-1)!]) {
      const whole = await client.retrieveInstance(at(instance));
      expect(readPart10(new Uint8Array(whole))).toMatchObject({
        transferSyntaxUid: '1.2.840.10008.1.2.1',
        sopInstanceUid: instance.sopInstanceUid,
        frames: { kind: 'native', numberOfFrames: 1 },
      });
      // Without a media type, or with one and no transfer syntax, pixels come uncompressed.
      const [pixels] = await client.retrieveInstanceFrames({ ...at(instance), frameNumbers: [1] });
      expect(pixels!.byteLength).toBe(512 * 512 * 2);
      for (const mediaTypes of [
        [{ mediaType: 'application/octet-stream', transferSyntaxUID: '*' }],
        [{ mediaType: 'image/jls', transferSyntaxUID: '1.2.840.10008.1.2.4.80' }],
        [
          { mediaType: 'image/jls', transferSyntaxUID: '1.2.840.10008.1.2.4.80' },
          { mediaType: 'application/octet-stream', transferSyntaxUID: '1.2.840.10008.1.2.1' },
        ],
      ]) {
        const frames = await client.retrieveInstanceFrames({
          ...at(instance),
          frameNumbers: [1],
          mediaTypes,
        });
        expect(frames.map((frame) => Buffer.from(frame).equals(frameOf(instance.bytes, 1)))).toEqual([true]);
      }
    }
    const found = (await client.searchForStudies({
      queryParams: { StudyInstanceUID: studyInstanceUID, limit: 101 },
    })) as DicomJson[];
    expect(found[0]!['00201208']?.Value).toEqual([instances.length]);

    expect(await sizeOf(`${suite.dicomweb}/studies/${studyInstanceUID}/series/${seriesInstanceUID}/rendered`)).toEqual({
      width: 512,
      height: 512,
    });
    expect(await sizeOf(`${suite.dicomweb}/studies/${studyInstanceUID}/thumbnail?viewport=100,100`)).toEqual({
      width: 100,
      height: 100,
    });
    const rendered = await client.retrieveInstanceRendered({
      ...at(inSeries[0]!),
      queryParams: { window: '40,400,linear', viewport: '256,256' },
    });
    const bytes = Buffer.from((Array.isArray(rendered) ? (rendered as ArrayBuffer[])[0] : rendered)!);
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 256, height: 256 });
  });

  it('draws a 12-lead ECG and gives its samples', async () => {
    const { instances } = await storeStudy([file('ecg/waveform_ecg.dcm')]);
    const ecg = instances[0]!;
    const { width, height } = await sizeOf(`${urlOf(ecg)}/rendered`);
    expect(width!).toBeGreaterThan(height!);
    const uris = urisIn(ecg.dataset);
    expect(uris.length).toBeGreaterThan(0);
    const [metadata] = (await client
      .retrieveInstanceMetadata(at(ecg))
      .then((one) => (Array.isArray(one) ? one : [one]))) as [DicomJson];
    for (const uri of urisIn(metadata)) {
      const [samples] = await client.retrieveBulkData({ BulkDataURI: new URL(uri, suite.url).href });
      expect(ecg.bytes.includes(Buffer.from(samples!))).toBe(true);
      expect(samples!.byteLength).toBeGreaterThan(1000);
    }
  });

  it('serves a slide: each tile as stored, a thumbnail from its smallest level', async () => {
    const { instances, studyInstanceUID } = await storeStudy(filesIn('sm-pathology/mouse-pyramid-5-levels'));
    const largest = instances.toSorted((a, b) => b.bytes.length - a.bytes.length)[0]!;
    for (const frame of [1, 57, 108]) {
      const response = await fetch(`${urlOf(largest)}/frames/${frame}`, {
        headers: { accept: 'multipart/related; type="image/jpeg"; transfer-syntax=1.2.840.10008.1.2.4.50' },
      });
      const parts = await readParts(response);
      expect(parts.map((part) => part.body.equals(frameOf(largest.bytes, frame)))).toEqual([true]);
      expect(await sharp(parts[0]!.body).metadata()).toMatchObject({ width: 512, height: 512 });
    }
    const thumbnail = await sizeOf(`${suite.dicomweb}/studies/${studyInstanceUID}/thumbnail?viewport=200,200`);
    expect(Math.max(thumbnail.width!, thumbnail.height!)).toBe(200);
    // The level of 108 tiles, laid together, keeps the slide's shape.
    const whole = await sizeOf(`${urlOf(largest)}/rendered`);
    const total = {
      columns: Number(largest.dataset['00480006']!.Value![0]),
      rows: Number(largest.dataset['00480007']!.Value![0]),
    };
    expect(whole).toEqual({ width: total.columns, height: total.rows });
    expect(thumbnail.width! / thumbnail.height!).toBeCloseTo(total.columns / total.rows, 1);
  });

  it('renders chest radiographs of several syntaxes, and an echo cine frame by frame', async () => {
    for (const name of ['cr-dx/chest/966_fixed.dcm', 'cr-dx/chest/Monochrome1-Jpeg.dcm', 'cr-dx/chest/RG1_J2KI']) {
      const { instances } = await storeStudy([file(name)]);
      const film = instances[0]!;
      expect([name, (await asStored(urlOf(film)))[0]!.equals(film.bytes)]).toEqual([name, true]);
      expect([name, await sizeOf(`${urlOf(film)}/rendered`)]).toEqual([
        name,
        { width: film.dataset['00280011']!.Value![0], height: film.dataset['00280010']!.Value![0] },
      ]);
    }
    const { instances } = await storeStudy([file('us-echo/DIRW0007')]);
    const cine = instances[0]!;
    for (const frame of [1, 65]) {
      const [bytes] = await client.retrieveInstanceFrames({
        ...at(cine),
        frameNumbers: [frame],
        mediaTypes: [{ mediaType: 'image/jpeg', transferSyntaxUID: '1.2.840.10008.1.2.4.50' }],
      });
      expect(Buffer.from(bytes!).equals(frameOf(cine.bytes, frame))).toBe(true);
      expect(await sizeOf(`${urlOf(cine)}/frames/${frame}/rendered`)).toEqual({ width: 576, height: 456 });
    }
  });

  it('gives one CT in every syntax back as it came, and shows the same picture of all', async () => {
    const folder = 'transfer-syntaxes/one-ct-every-syntax';
    const pictures = new Map<string, Buffer>();
    let number = 10;
    for (const name of readdirSync(path.join(shared, folder))) {
      // Bytes of a deflated data set cannot be changed in place, and all have the same UIDs.
      if (name.includes('Deflated')) continue;
      number += 1;
      const [ct] = (await storeStudy([renumbered(file(`${folder}/${name}`), number)])).instances;
      expect([name, (await asStored(urlOf(ct!)))[0]!.equals(ct!.bytes)]).toEqual([name, true]);
      const asked = ct!.frames.kind === 'native' ? '1.2.840.10008.1.2.1' : ct!.transferSyntaxUid;
      const frames = await fetch(`${urlOf(ct!)}/frames/1`, {
        headers: { accept: `multipart/related; type="application/octet-stream"; transfer-syntax=${asked}` },
      });
      const [part] = await readParts(frames);
      expect([name, part!.headers]).toEqual([name, `Content-Type: application/octet-stream; transfer-syntax=${asked}`]);
      const rendered = await fetch(`${urlOf(ct!)}/rendered?window=40,400,linear&viewport=64,64`, {
        headers: { accept: 'image/png' },
      });
      if (rendered.status === 406) continue;
      expect([name, rendered.status]).toEqual([name, 200]);
      pictures.set(
        name,
        await sharp(Buffer.from(await rendered.arrayBuffer()))
          .greyscale()
          .raw()
          .toBuffer(),
      );
    }
    expect(pictures.size).toBeGreaterThanOrEqual(9);
    const reference = [...pictures].find(([name]) => name.includes('LittleEndianExplicit'))![1];
    for (const [name, picture] of pictures) {
      if (!/Lossless|LittleEndian|BigEndian|Process14/.test(name)) continue;
      expect([name, picture.equals(reference)]).toEqual([name, true]);
    }
  });
});
