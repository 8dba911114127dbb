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
const valueOf = (output: ModelOutput, name: RegExp) =>
  output.findings.find((finding) => name.test(finding.name))!.value;

const tile = 64;
const matrix = { columns: 300, rows: 200 };
const unit = (vector: number[]) => vector.map((value) => value / Math.hypot(...vector));
const haematoxylin = unit([0.65, 0.704, 0.286]);
const eosin = unit([0.072, 0.99, 0.105]);

interface Slide {
  /** Amounts of haematoxylin and eosin (optical density) at a pixel of the matrix. */
  stains: (column: number, row: number) => [number, number];
  glass?: [number, number, number];
  /** Whether frames say where they are, or lie in the order of TILED_FULL. */
  hasPositions?: boolean;
  padding?: number;
}

function slideStudy(
  model: Model,
  { stains, glass = [255, 255, 255], hasPositions = false, padding = 0 }: Slide,
): FetchedInput {
  const folder = temporaryFolder('slide');
  const [across, down] = [Math.ceil(matrix.columns / tile), Math.ceil(matrix.rows / tile)];
  const order = Array.from({ length: across * down }, (_, index) => index);
  if (hasPositions) order.reverse();
  const frameFiles = order.map((place, index) => {
    const bytes = Buffer.alloc(tile * tile * 3, padding);
    for (let y = 0; y < tile; y++) {
      for (let x = 0; x < tile; x++) {
        const [column, row] = [(place % across) * tile + x, Math.floor(place / across) * tile + y];
        if (column >= matrix.columns || row >= matrix.rows) continue;
        const [h, e] = stains(column, row);
        for (let channel = 0; channel < 3; channel++)
          bytes[(y * tile + x) * 3 + channel] = Math.round(
            glass[channel]! * 10 ** -(h * haematoxylin[channel]! + e * eosin[channel]!),
          );
      }
    }
    const file = path.join(folder, String(index));
    writeFileSync(file, bytes);
    return { sopInstanceUid: '1.9', frameNumber: index + 1, file, transferSyntaxUid: '1.2.840.10008.1.2.1' };
  });
  const position = (place: number): DicomJson => ({
    '0048021A': element('SQ', {
      '0048021E': element('SL', (place % across) * tile + 1),
      '0048021F': element('SL', Math.floor(place / across) * tile + 1),
    }),
  });
  const instance: DicomJson = {
    '00080008': element('CS', 'DERIVED', 'PRIMARY', 'VOLUME', 'RESAMPLED'),
    '00080016': element('UI', '1.2.840.10008.5.1.4.1.1.77.1.6'),
    '00080018': element('UI', '1.9'),
    '00080060': element('CS', 'SM'),
    '0020000E': element('UI', '1.8'),
    '00280002': element('US', 3),
    '00280004': element('CS', 'RGB'),
    '00280006': element('US', 0),
    '00280008': element('IS', order.length),
    '00280010': element('US', tile),
    '00280011': element('US', tile),
    '00280100': element('US', 8),
    '00280101': element('US', 8),
    '00280102': element('US', 7),
    '00280103': element('US', 0),
    '00480006': element('UL', matrix.columns),
    '00480007': element('UL', matrix.rows),
    '52009229': element('SQ', { '00289110': element('SQ', { '00280030': element('DS', 0.003, 0.003) }) }),
    ...(hasPositions && { '52009230': element('SQ', ...order.map(position)) }),
  };
  const input = selectInput(model.manifest, [instance]);
  if ('unsuitable' in input) throw new Error(input.unsuitable);
  return { input, inputDigest: 'cd'.repeat(32), directory: folder, frameFiles, bulkDataFiles: [] };
}

describe('pathology/he-cellularity', () => {
  let model: Model;
  beforeAll(async () => {
    model = await loadModel(path.join(root, 'models/pathology/he-cellularity/1.1.0'));
  });
  const run = (slide: Slide) => runModel(model, slideStudy(model, slide), options);
  /** Left half of the slide is tissue; every fourth row of it is nuclei (H 0.6 beside E 0.2), the rest is eosin (0.4). */
  const striped = (column: number, row: number): [number, number] =>
    column >= 150 ? [0, 0] : row % 4 === 0 ? [0.6, 0.2] : [0, 0.4];

  it.each([[true], [false]])(
    'finds the mixture back that a slide was painted with (frames say where they are: %s)',
    async (hasPositions) => {
      const output = await run({ stains: striped, hasPositions });
      expect(valueOf(output, /Tissue share/)).toBe(50);
      expect(valueOf(output, /positive share/)).toBe(25);
      expect(valueOf(output, /Mean haematoxylin/)).toBeCloseTo(0.15, 2);
      expect(output).toMatchObject({
        outcome: 'negative',
        priority: 'LOW',
        summary: 'Haematoxylin-positive 25.0 % of tissue · tissue 50.0 % of slide',
      });
    },
  );

  it('measures against the colour of the glass, not against white', async () => {
    const output = await run({ stains: striped, glass: [222, 219, 214] });
    expect(valueOf(output, /Tissue share/)).toBe(50);
    expect(valueOf(output, /positive share/)).toBe(25);
    expect(valueOf(output, /Mean haematoxylin/)).toBeCloseTo(0.15, 2);
  });

  it('is positive for densely stained tissue', async () => {
    const output = await run({
      stains: (column, row) => (column < 100 ? (row % 2 === 0 ? [0.8, 0.1] : [0.05, 0.3]) : [0, 0]),
    });
    expect(output).toMatchObject({
      outcome: 'positive',
      priority: 'MEDIUM',
      findings: [{ value: 50, flag: 'abnormal', threshold: 40 }, {}, {}],
    });
  });

  it.each<[string, Slide, RegExp]>([
    ['the slide is empty', { stains: () => [0, 0] }, /hardly any tissue/],
    ['there is no clear glass', { stains: () => [0.7, 0.3] }, /no clear glass/],
    ['the slide is black', { stains: () => [9, 9] }, /no clear glass/],
  ])('is inconclusive, without numbers, when %s', async (_, slide, reason) => {
    const output = await run(slide);
    expect(output).toMatchObject({ outcome: 'inconclusive', findings: [] });
    expect(output.summary).toMatch(reason);
  });
});

const pyramid = path.resolve(root, '../shared/data/dicom/sm-pathology/mouse-pyramid-5-levels');
(existsSync(pyramid) ? describe : describe.skip)(
  'pathology/he-cellularity on a real slide (needs ../shared/data)',
  () => {
    // Expected from a separate computation over the whole stitched level, by linear algebra in double precision. The slide is mouse
    // tissue with haematoxylin and a red chromogen: its lymph nodes are what is positive.
    it('agrees with an independent computation, on the level nearest 3 micrometres', async () => {
      const model = await loadModel(path.join(root, 'models/pathology/he-cellularity/1.1.0'));
      const task = fetchFromFiles(
        model,
        readdirSync(pyramid).map((file) => path.join(pyramid, file)),
      );
      if ('unsuitable' in task) throw new Error(task.unsuitable);
      expect(task.frameFiles).toHaveLength(108);
      const output = await runModel(model, task, options);
      expect(Math.abs(valueOf(output, /Tissue share/) - 2.911)).toBeLessThan(0.1);
      expect(Math.abs(valueOf(output, /positive share/) - 15.7)).toBeLessThan(0.3);
      expect(Math.abs(valueOf(output, /Mean haematoxylin/) - 0.1716)).toBeLessThan(0.003);
      expect(output.findings[0]!.sourceInstances).toEqual([expect.not.objectContaining({ frames: expect.anything() })]);
    }, 60_000);
  },
);
