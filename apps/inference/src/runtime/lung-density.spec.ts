import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { DicomJson } from '#libs/dicom';
import { loadModel } from '../models/load-models.js';
import type { FetchedInput, Model, ModelOutput } from '../models/model.js';
import { selectInput } from '../models/select-input.js';
import { element, fetchFromFiles } from './fetch-from-files.fixture.js';
import { runModel } from './run-model.js';
import { temporaryFolder } from '../../../../test/support/temporary-folder.js';

const root = path.resolve(import.meta.dirname, '../../../..');
const options = { executionProviders: ['cpu'], intraOpThreads: 1 };
const size = 128;
const pixel = 2.5;
const spacing = 4;
const slices = 60;
const valueOf = (output: ModelOutput, name: RegExp) =>
  output.findings.find((finding) => name.test(finding.name))!.value;

interface Phantom {
  lungHu: number;
  emphysemaHu?: number;
  airHu?: number;
  lungRadius?: number;
  trachea?: boolean;
  bowel?: boolean;
  /** Height of the lungs' middle above that of the scan, mm. */
  shift?: number;
}

/** Hounsfield units at a place in mm from the middle: a body on a table, two round lungs with vessel-free tissue, windpipe, bowel gas. */
function huAt(x: number, y: number, z: number, phantom: Phantom): number {
  const { lungHu, emphysemaHu, airHu = -1000, lungRadius = 66, trachea = true, bowel = true, shift = 0 } = phantom;
  if (Math.hypot(x, y) > 158) return -2048;
  if (y > 128 && y < 134 && Math.abs(x) < 110) return 300;
  if ((x / 148) ** 2 + (y / 118) ** 2 > 1) return airHu;
  for (const side of [-1, 1]) {
    const distance = Math.hypot(x - side * 68, y / 0.9, z - shift) / lungRadius;
    // A quarter of the volume of each lung is destroyed: the innermost part, (1/4)^(1/3) of the radius.
    if (distance < 0.25 ** (1 / 3) && emphysemaHu !== undefined) return emphysemaHu;
    if (distance < 1) return lungHu;
  }
  if (trachea && Math.hypot(x, y + 85) < 9 && z > 10) return airHu;
  if (bowel && Math.hypot(x + 40, y + 30, z + 105) < 22) return airHu;
  return 40;
}

function phantomStudy(model: Model, phantom: Phantom): FetchedInput {
  const folder = temporaryFolder('phantom');
  const frameFiles: FetchedInput['frameFiles'] = [];
  const instances: DicomJson[] = [];
  for (let index = 0; index < slices; index++) {
    const z = (index - (slices - 1) / 2) * spacing;
    const stored = new Int16Array(size * size);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const hu = huAt((column - (size - 1) / 2) * pixel, (row - (size - 1) / 2) * pixel, z, phantom);
        stored[row * size + column] = (hu + 1024) / 2;
      }
    }
    const sopInstanceUid = `1.2.3.${index + 1}`;
    const file = path.join(folder, sopInstanceUid);
    writeFileSync(file, Buffer.from(stored.buffer));
    frameFiles.push({ sopInstanceUid, frameNumber: 1, file, transferSyntaxUid: '1.2.840.10008.1.2.1' });
    instances.push({
      '00080016': element('UI', '1.2.840.10008.5.1.4.1.1.2'),
      '00080018': element('UI', sopInstanceUid),
      '00080060': element('CS', 'CT'),
      '0020000E': element('UI', '1.2.3'),
      '00200032': element('DS', 0, 0, z),
      '00200037': element('DS', 1, 0, 0, 0, 1, 0),
      '00280002': element('US', 1),
      '00280004': element('CS', 'MONOCHROME2'),
      '00280010': element('US', size),
      '00280011': element('US', size),
      '00280030': element('DS', pixel, pixel),
      '00280100': element('US', 16),
      '00280101': element('US', 16),
      '00280102': element('US', 15),
      '00280103': element('US', 1),
      '00281052': element('DS', -1024),
      '00281053': element('DS', 2),
    });
  }
  const input = selectInput(model.manifest, instances);
  if ('unsuitable' in input) throw new Error(input.unsuitable);
  return { input, inputDigest: 'cd'.repeat(32), directory: folder, frameFiles, bulkDataFiles: [] };
}

describe('radiology/lung-density', () => {
  let model: Model;
  beforeAll(async () => {
    model = await loadModel(path.join(root, 'models/radiology/lung-density/1.1.0'));
  });
  const run = (phantom: Phantom) => runModel(model, phantomStudy(model, phantom), options);
  /** Two ellipsoids. */
  const trueVolume = (radius: number) => (2 * (4 / 3) * Math.PI * radius ** 3 * 0.9) / 1000;

  it('measures volume, density and destroyed share of a phantom of known size; windpipe, bowel gas and table do not count', async () => {
    const output = await run({ lungHu: -860, emphysemaHu: -970 });
    expect(output).toMatchObject({ outcome: 'positive', priority: 'MEDIUM', runtime: { executionProvider: 'cpu' } });
    expect(Math.abs(valueOf(output, /volume/) / trueVolume(66) - 1)).toBeLessThan(0.01);
    expect(valueOf(output, /Emphysema/)).toBeGreaterThan(24.5);
    expect(valueOf(output, /Emphysema/)).toBeLessThan(25.5);
    expect(valueOf(output, /Mean/)).toBeCloseTo(0.75 * -860 + 0.25 * -970, -1);
    expect(valueOf(output, /15th/)).toBe(-970);
    expect(output.findings[0]!.sourceInstances).toHaveLength(slices);
    expect(output.summary).toMatch(/^Emphysema index 2[45]\.\d % · aerated lung \d+ mL · mean density -88\d HU$/);
  });

  it('finds nothing abnormal in an even lung', async () => {
    const output = await run({ lungHu: -860 });
    expect(output).toMatchObject({ outcome: 'negative', priority: 'LOW' });
    expect(output.findings[0]).toMatchObject({ value: 0, flag: 'normal', threshold: 6 });
  });

  it('calibrates by the air in the airways: a scanner that reads air as -1040 HU makes no emphysema', async () => {
    const output = await run({ lungHu: -956, airHu: -1040, emphysemaHu: -1006 });
    expect(valueOf(output, /Emphysema/)).toBeGreaterThan(24.5);
    expect(valueOf(output, /Emphysema/)).toBeLessThan(25.5);
    expect(valueOf(output, /15th/)).toBe(Math.round(-1006 / 1.04));
  });

  it.each<[string, Phantom, RegExp]>([
    ['there is no lung', { lungHu: 30, trachea: false, bowel: false }, /no lung was found/],
    ['the scan ends inside the lungs', { lungHu: -860, shift: 70 }, /does not cover the whole lung/],
    ['the lungs are not of an adult', { lungHu: -860, lungRadius: 45 }, /size of an adult's lungs/],
    ['no airway is seen', { lungHu: -860, trachea: false, bowel: false }, /no airway was found/],
    ['air is far from -1000 HU', { lungHu: -860, airHu: -1100 }, /attenuation of air/],
    ['the lungs are dense', { lungHu: -560 }, /too dense/],
  ])('is inconclusive, without numbers, when %s', async (_, phantom, reason) => {
    const output = await run(phantom);
    expect(output).toMatchObject({ outcome: 'inconclusive', priority: 'LOW', findings: [] });
    expect(output.summary).toMatch(reason);
  });

  it('fails, rather than measure less, when a slice was not fetched', async () => {
    const task = phantomStudy(model, { lungHu: -860 });
    task.frameFiles.splice(40, 1);
    await expect(runModel(model, task, options)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(/Frame 1 of 1\.2\.3\.41 was not fetched/),
    });
  });
});

const series = path.resolve(root, '../shared/data/dicom/ct/chest-nlst-101287');
(existsSync(series) ? describe : describe.skip)(
  'radiology/lung-density on a real low-dose chest CT (needs ../shared/data)',
  () => {
    // Expected from a separate computation: exact flood fill at full resolution, 3-D labels over whole slices, plain statistics.
    it('agrees with an independent computation', async () => {
      const model = await loadModel(path.join(root, 'models/radiology/lung-density/1.1.0'));
      const task = fetchFromFiles(
        model,
        readdirSync(series)
          .filter((file) => file.endsWith('.dcm'))
          .map((file) => path.join(series, file)),
      );
      if ('unsuitable' in task) throw new Error(task.unsuitable);
      expect(task.frameFiles).toHaveLength(143);
      const output = await runModel(model, task, options);
      expect(output.outcome).toBe('positive');
      expect(Math.abs(valueOf(output, /volume/) - 4103.6)).toBeLessThan(5);
      expect(Math.abs(valueOf(output, /Emphysema/) - 13.755)).toBeLessThan(0.2);
      expect(Math.abs(valueOf(output, /Mean/) - -883.6)).toBeLessThan(1.5);
      expect(Math.abs(valueOf(output, /15th/) - -947.9)).toBeLessThan(1.5);
    }, 600_000);

    it('finds a head CT unsuitable and says why', async () => {
      const head = path.resolve(root, '../shared/data/dicom/ct/head-axial-toshiba');
      const model = await loadModel(path.join(root, 'models/radiology/lung-density/1.1.0'));
      const files = readdirSync(head)
        .filter((file) => file.endsWith('.dcm'))
        .map((file) => path.join(head, file));
      expect(files.length).toBeGreaterThan(0);
      expect(fetchFromFiles(model, files)).toEqual({
        unsuitable: expect.stringMatching(/^Not analysed: no series fits Lung density\. series/),
      });
    });
  },
);
