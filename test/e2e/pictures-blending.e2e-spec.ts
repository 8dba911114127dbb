import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import type { DicomJson } from '#libs/dicom';
import { makeInstance, testUid } from '../support/make-instance.js';
import { get, startArchive, store } from './wado-support.js';

jest.setTimeout(300_000);

let suite: Awaited<ReturnType<typeof startArchive>>;
const place = (name: string) => ({
  // What is superimposed is of another study, as PET and CT may be.
  studyInstanceUid: testUid(`blended study ${/^(over|stranger)/.exec(name)?.[0] ?? 'under'}`),
  seriesInstanceUid: testUid(`blended series ${name.split(' ')[0]}`),
  sopInstanceUid: testUid(`blended instance ${name}`),
});
const text = (vr: string, ...Value: string[]) => ({ vr, Value });
const number = (vr: string, ...Value: number[]) => ({ vr, Value });
const items = (...Value: DicomJson[]) => ({ vr: 'SQ', Value });
const inline = (...values: number[]) => ({ vr: 'OW', InlineBinary: Buffer.from(values).toString('base64') });
const patient = (id: string | null = 'BLENDED'): DicomJson => ({
  '00100020': id === null ? { vr: 'LO' } : text('LO', id),
});

interface Slice {
  values: number[];
  columns: number;
  /** Millimetres. */
  spacing: number;
  origin: [number, number, number];
  /** null: it has none. */
  patientId?: string | null;
  frameOfReference?: string;
}
const slice = (name: string, { values, columns, spacing, origin, ...more }: Slice): Buffer =>
  makeInstance({
    ...place(name),
    modality: 'OT',
    rows: values.length / columns,
    columns,
    bitsAllocated: 8,
    frameBytes: [Buffer.from(values)],
    attributes: {
      ...patient(more.patientId),
      '00200052': text('UI', testUid(more.frameOfReference ?? 'blended frame')),
      '00200032': text('DS', ...origin.map(String)),
      '00200037': text('DS', '1', '0', '0', '0', '1', '0'),
      '00280030': text('DS', String(spacing), String(spacing)),
    },
  });
const set = (position: string, names: string[]): DicomJson => ({
  '00700405': text('CS', position),
  '0020000D': text('UI', place(names[0]!).studyInstanceUid),
  '00081115': items({
    '0020000E': text('UI', place(names[0]!).seriesInstanceUid),
    '00081140': items(
      ...names.map((name) => ({
        '00081150': text('UI', '1.2.840.10008.5.1.4.1.1.7'),
        '00081155': text('UI', place(name).sopInstanceUid),
      })),
    ),
  }),
});
interface StateOptions {
  sopClassUid?: string;
  patientId?: string | null;
}
const state = (
  name: string,
  below: string[],
  above: string[],
  { sopClassUid = '1.2.840.10008.5.1.4.1.1.11.4', patientId }: StateOptions = {},
): Buffer =>
  makeInstance({
    ...place(name),
    modality: 'PR',
    sopClassUid,
    frames: 0,
    attributes: {
      ...patient(patientId),
      '00700402': items(set('UNDERLYING', below), set('SUPERIMPOSED', above)),
      '00700403': number('FL', 0.5),
      '00281101': number('US', 2, 0, 8),
      '00281102': number('US', 2, 0, 8),
      '00281103': number('US', 2, 0, 8),
      // Black to orange.
      '00281201': inline(0, 255),
      '00281202': inline(0, 127),
      '00281203': inline(0, 0),
    },
  });

const grey = (z: number): Slice => ({
  values: Array.from({ length: 16 }, () => 100),
  columns: 4,
  spacing: 1,
  origin: [0, 0, z],
});
const bright: Slice = { values: [255, 255, 255, 255], columns: 2, spacing: 1, origin: [2, 0, 0] };

beforeAll(async () => {
  suite = await startArchive();
  await store(suite.dicomweb, [
    ...[-50, 0, 50].map((z) => slice(`under ${z}`, grey(z))),
    slice('over 0', bright),
    slice('over 4', { ...bright, values: [255, 255, 255, 255], origin: [2, 0, 4] }),
    slice('stranger', { ...bright, patientId: 'SOMEBODY ELSE' }),
    slice('elsewhere', { ...bright, frameOfReference: 'another frame' }),
    state('state', ['under -50', 'under 0', 'under 50'], ['over 0', 'over 4']),
    state('wrong', ['under 0'], ['stranger']),
    state('apart', ['under 0'], ['elsewhere']),
    state('missing', ['under 0'], ['over nowhere']),
    state('advanced', ['under 0'], ['over 0'], { sopClassUid: '1.2.840.10008.5.1.4.1.1.11.8' }),
    slice('nameless', { ...grey(0), patientId: null }),
    slice('nameless above', { ...bright, patientId: null }),
    slice('over nameless', { ...bright, patientId: null }),
    state('nameless state', ['nameless'], ['nameless above'], { patientId: null }),
    state('nameless apart', ['nameless'], ['over nameless'], { patientId: null }),
  ]);
});
afterAll(async () => {
  await suite?.stop();
});

const urlOf = (name: string) => {
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = place(name);
  return `${suite.dicomweb}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
};
async function colors(response: Response): Promise<string[]> {
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  const { data, info } = await sharp(Buffer.from(await response.arrayBuffer()))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return Array.from({ length: info.height }, (_, y) =>
    Array.from({ length: info.width }, (_, x) =>
      [...data.subarray(3 * (y * info.width + x), 3 * (y * info.width + x) + 3)].join(),
    ).join(' '),
  );
}

describe('blending presentation states', () => {
  const plain = '100,100,100';
  // Half of grey, half of orange.
  const blended = '178,114,50';
  const whole = `${plain} ${plain} ${blended} ${blended}`;
  const empty = `${plain} ${plain} ${plain} ${plain}`;

  it('are rendered as the middle image that another lies over, in colours where it does', async () => {
    expect(await colors(await get(`${urlOf('state')}/rendered`, 'image/png'))).toEqual([whole, whole, empty, empty]);
    const thumbnail = await get(`${urlOf('state')}/thumbnail`, 'image/jpeg');
    expect(thumbnail.status).toBe(200);
    await thumbnail.arrayBuffer();
  });

  it('reach other images of their own study where no Patient ID says whose they are', async () => {
    expect(await colors(await get(`${urlOf('nameless state')}/rendered`, 'image/png'))).toEqual([
      whole,
      whole,
      empty,
      empty,
    ]);
  });

  it('show any of their images, and those out of reach as they are', async () => {
    const base = suite.dicomweb.replace(/\/dicom-web$/, '/wado');
    const by = (name: string, presentation = 'state') =>
      fetch(
        `${base}?requestType=WADO&objectUID=${place(name).sopInstanceUid}&contentType=image/png` +
          `&presentationUID=${place(presentation).sopInstanceUid}&presentationSeriesUID=${place(presentation).seriesInstanceUid}`,
      );
    expect(await colors(await by('under 0'))).toEqual([whole, whole, empty, empty]);
    expect(await colors(await by('under 50'))).toEqual([empty, empty, empty, empty]);
    const other = await by('under 50', 'apart');
    expect(other.status).toBe(406);
    expect(await other.text()).toMatch(/not one of those/);
  });

  it.each([
    ['wrong', /different patients/],
    ['nameless apart', /no Patient ID says/],
    ['apart', /frame of reference in common/],
    ['missing', /superimposed is here/],
    ['advanced', /Advanced Blending Presentation State, which is not applied here/],
  ])('say why they show nothing: %s', async (name, reason) => {
    const response = await get(`${urlOf(name)}/rendered`, 'image/png');
    expect(response.status).toBe(406);
    expect(((await response.json()) as { detail: string }).detail).toMatch(reason);
  });
});
