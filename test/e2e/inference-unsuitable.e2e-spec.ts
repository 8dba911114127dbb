import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type DicomJson, explicitLittleEndian, jsonItems, jsonText, uidFromHash, writePart10 } from '#libs/dicom';
import { GraphBuilder } from '../../scripts/models/graph-builder.js';
import { element } from '../../apps/inference/src/runtime/fetch-from-files.fixture.js';
import { pixelAttributes, studyAttributes } from '../models/fetched-samples.js';
import { makeZip } from '../support/make-zip.js';
import { ecg } from '../support/mixed-studies.js';
import { makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';
import { waitForResults, type WorklistItem } from '../support/worklist.js';
import { store } from './wado-support.js';

jest.setTimeout(600_000);

const shipped = path.resolve(import.meta.dirname, '../../models/cardiology/ecg-rhythm/1.1.0');

/** A study that a rule sends to a model which cannot take it. */
interface Unsuitable {
  patientId: string;
  instances: DicomJson[];
  /** What the reader is told, in the worklist and in the report. */
  reason: RegExp;
}

/** Sixty axial slices of a chest, 3 mm apart, of air and of nothing else. */
function chest(changes: (slice: number) => DicomJson | undefined): DicomJson[] {
  return Array.from({ length: 60 }, (_, slice): DicomJson | undefined => {
    const own = changes(slice);
    return (
      own && {
        ...studyAttributes('CT', '1.2.840.10008.5.1.4.1.1.2', ''),
        ...pixelAttributes(16, 16),
        '00080008': element('CS', 'ORIGINAL', 'PRIMARY', 'AXIAL'),
        '00180015': element('CS', 'CHEST'),
        '00200013': element('IS', slice + 1),
        '00200032': element('DS', -100, -100, slice * 3),
        '00200037': element('DS', 1, 0, 0, 0, 1, 0),
        '00200052': element('UI', '1.2.3.4.9'),
        '00280030': element('DS', 0.8, 0.8),
        '00281052': element('DS', -1024),
        '00281053': element('DS', 1),
        '7FE00010': { vr: 'OW', InlineBinary: Buffer.alloc(256).toString('base64') },
        ...own,
      }
    );
  }).filter((slice) => slice !== undefined);
}

const coloured: DicomJson = {
  ...pixelAttributes(16, 16, 3),
  '7FE00010': { vr: 'OW', InlineBinary: Buffer.alloc(768).toString('base64') },
};

async function unsuitable(): Promise<Unsuitable[]> {
  const [group] = (await ecg())['54000100']!.Value as [DicomJson];
  const leads = jsonItems(group, '003A0200');
  const fewer = { ...group, '003A0200': element('SQ', ...leads.slice(0, 3)), '003A0005': element('US', 3) };
  const short = { ...group, '003A0010': element('UL', 1000) };
  const bare = await ecg();
  delete bare['54000100'];
  const slide: DicomJson = {
    ...studyAttributes('SM', '1.2.840.10008.5.1.4.1.1.77.1.6', ''),
    ...pixelAttributes(16, 16, 3),
    '00080008': element('CS', 'ORIGINAL', 'PRIMARY', 'VOLUME', 'NONE'),
    '00209311': element('CS', 'TILED_FULL'),
    '00280008': element('IS', 1),
    '00480006': element('UL', 16),
    '00480007': element('UL', 16),
    '7FE00010': { vr: 'OW', InlineBinary: Buffer.alloc(768).toString('base64') },
  };
  return [
    {
      patientId: 'A-SLICE-MISSING',
      instances: chest((slice) => (slice === 30 ? undefined : {})),
      reason: /a gap between slices at 87\.0 mm \(6\.00 mm instead of 3\.00 mm\)/,
    },
    {
      patientId: 'TOO-FAR-APART',
      instances: chest((slice) => ({ '00200032': element('DS', -100, -100, slice * 7) })),
      reason: /7\.00 mm/,
    },
    {
      patientId: 'TOO-SHORT',
      instances: chest((slice) => ({ '00200032': element('DS', -100, -100, slice) })),
      reason: /150 mm/,
    },
    {
      patientId: 'IN-COLOUR',
      instances: chest(() => coloured),
      reason: /PhotometricInterpretation is RGB, grey slices are needed/,
    },
    {
      patientId: 'WITHOUT-PLACES',
      instances: chest(() => ({ '00200032': { vr: 'DS' } })),
      reason: /ImagePositionPatient is absent or damaged/,
    },
    {
      patientId: 'FEW-LEADS',
      instances: [{ ...(await ecg()), '54000100': element('SQ', fewer) }],
      reason: /lacks lead V1, V2, V3, V4, V5, V6/,
    },
    { patientId: 'WITHOUT-WAVEFORM', instances: [bare], reason: /there is no waveform in it/ },
    {
      patientId: 'TWO-SECONDS',
      instances: [{ ...(await ecg()), '54000100': element('SQ', short) }],
      reason: /2(\.0)? s/,
    },
    { patientId: 'WITHOUT-SCALE', instances: [slide], reason: /PixelSpacing is absent/ },
  ].map(({ patientId, instances, reason }) => ({ patientId, reason, instances: instances.map(own(patientId)) }));
}

/** UIDs and the patient are a study's own. */
const own =
  (patientId: string) =>
  (instance: DicomJson, index: number): DicomJson => ({
    ...instance,
    '00080018': element('UI', uidFromHash(`${patientId} ${index}`)),
    '00100020': element('LO', patientId),
    '0020000D': element('UI', uidFromHash(`study of ${patientId}`)),
    '0020000E': element('UI', uidFromHash(`series of ${patientId}`)),
  });

/** The shipped rhythm analysis with a network that divides nothing by nothing. */
async function nothingByNothing(): Promise<Buffer> {
  const g = new GraphBuilder('nothing_by_nothing');
  const input = g.input('ecg', 'float32', [1, 8, 'samples']);
  const lead = g.op('Slice', [input, g.integers([0]), g.integers([1]), g.integers([1])]);
  const nothing = g.op('Sub', [lead, lead]);
  for (const output of ['peaks', 'activity', 'speed'])
    g.output(output, g.op('Div', [nothing, nothing]), 'float32', [1, 1, 'samples']);
  const folder = 'cardiology/ecg-rhythm/9.0.0';
  return makeZip({
    [`${folder}/model.json`]: readFileSync(path.join(shipped, 'model.json')),
    [`${folder}/model.onnx`]: g.model('Nothing by nothing.', 1),
    [`${folder}/README.md`]: '# For a test\n',
  });
}

describe('a study that a model cannot take', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  let studies: Unsuitable[];
  let items: Map<string, WorklistItem>;

  beforeAll(async () => {
    data = await makeDataDir();
    suite = await startApp({ dataDir: data.dataDir });
    studies = await unsuitable();
    for (const { instances } of studies)
      await store(
        suite.dicomweb,
        instances.map((instance) => writePart10(instance, explicitLittleEndian)),
      );
    const settled = await waitForResults(
      suite.url,
      studies.map(({ patientId }) => patientId),
    );
    items = new Map(settled.map((item) => [item.patientId, item]));
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
  });

  const reportOf = async ({ studyInstanceUid, ai }: WorklistItem): Promise<DicomJson> => {
    const { seriesInstanceUid, sopInstanceUid } = ai.results[0]!.report!;
    const place = `studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}/metadata`;
    const [report] = (await (await fetch(`${suite.dicomweb}/${place}`)).json()) as [DicomJson];
    return report;
  };

  const saysNothingButWhy = async (item: WorklistItem, reason: RegExp) => {
    expect(item.ai.state).toBe('inconclusive');
    expect(item.ai.summary).toMatch(/Not analysed: /);
    expect(item.ai.summary).toMatch(reason);
    expect(item.ai.results.map(({ findings }) => findings)).toEqual([[]]);
    const report = await reportOf(item);
    const contents = flat(report);
    expect(contents.filter((one) => jsonText(one, '0040A040') === 'NUM')).toEqual([]);
    const verdict = contents.find((one) => codeValue(one, '0040A043') === 'triage-outcome')!;
    expect(codeValue(verdict, '0040A168')).toBe('419984006');
    const comment = contents.find((one) => codeValue(one, '0040A043') === '121106')!;
    expect(jsonText(comment, '0040A160')).toMatch(reason);
    expect(JSON.stringify(report)).toContain('Algorithm Version');
  };

  it('is not analysed, with a reason a person understands, and never negative', async () => {
    if (process.env['ISOCENTER_SCREENSHOTS'] !== undefined)
      for (const [patient, { ai }] of items) console.info(`${patient}: ${ai.summary}`);
    for (const { patientId, reason } of studies) await saysNothingButWhy(items.get(patientId)!, reason);
  });

  it('is not analysed either where the network gives what is no number', async () => {
    const added = await fetch(`${suite.url}/api/models`, {
      method: 'POST',
      headers: { 'content-type': 'application/zip' },
      body: new Uint8Array(await nothingByNothing()),
    });
    expect([added.status, await added.text()]).toEqual([201, expect.any(String)]);
    const inForce = await fetch(`${suite.url}/api/models/cardiology/ecg-rhythm/9.0.0/activate`, { method: 'POST' });
    expect(inForce.status).toBe(200);
    await store(suite.dicomweb, [writePart10(own('NO-NUMBERS')(await ecg(), 0), explicitLittleEndian)]);
    const [item] = await waitForResults(suite.url, ['NO-NUMBERS']);
    if (process.env['ISOCENTER_SCREENSHOTS'] !== undefined) console.info(item!.ai.summary);
    await saysNothingButWhy(item!, /answered NaN where a number is needed \(output "peaks"/);
  });
});

function flat(item: DicomJson): DicomJson[] {
  return jsonItems(item, '0040A730').flatMap((child) => [child, ...flat(child)]);
}

function codeValue(item: DicomJson, tag: string): string | undefined {
  return jsonText(jsonItems(item, tag)[0] ?? {}, '00080100');
}
