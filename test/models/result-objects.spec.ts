import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import { type DicomJson, jsonItems, jsonText, readPart10 } from '#libs/dicom';
import { loadModel } from '../../apps/inference/src/models/load-models.js';
import type { FetchedInput, Model, ModelOutput } from '../../apps/inference/src/models/model.js';
import { buildSr } from '../../apps/inference/src/results/build-sr.js';
import { element } from '../../apps/inference/src/runtime/fetch-from-files.fixture.js';
import { runModel } from '../../apps/inference/src/runtime/run-model.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import {
  beatsFile as beats,
  ecg,
  fetched,
  pixelAttributes,
  radiograph,
  slide,
  studyAttributes,
} from './fetched-samples.js';
import { boxesAndMap, brightVolume, darkOrBright, loadTiny, type ModelFiles, threeSlices } from './tiny-models.js';

jest.setTimeout(300_000);

const root = path.resolve(import.meta.dirname, '../..');
const options = { executionProviders: ['cpu'], intraOpThreads: 1 };
const has = (name: string, ...args: string[]) => spawnSync(name, args, { stdio: 'ignore' }).status === 0;
const hasDciodvfy = spawnSync('dciodvfy', [], { stdio: 'ignore' }).error === undefined;
const hasDsrdump = has('dsrdump', '--version');
const python = ['/usr/bin/python3', 'python3'].find((one) => has(one, '-c', 'import pydicom, numpy'));
if (!hasDciodvfy) console.warn('dciodvfy is not on this machine: it does not judge the result objects.');
if (!hasDsrdump) console.warn('dsrdump is not on this machine: it does not read the reports.');
if (python === undefined) console.warn('pydicom is not on this machine: it does not read the segmentations.');

interface Made {
  model: Model;
  output: ModelOutput;
  report: string;
  files: string[];
}

async function make(model: Model, task: FetchedInput): Promise<Made> {
  const output = await runModel(model, task, options);
  const report = path.join(task.directory, 'report.dcm');
  writeFileSync(report, buildSr({ sources: task.input.instances, model, output, inputDigest: task.inputDigest }).bytes);
  return { model, output, report, files: output.objects.map(({ file }) => file) };
}

/** What dciodvfy calls an error; it does not know Label Map Segmentation Storage, which is younger than it. */
function errorsOf(file: string): string[] {
  const { stderr } = spawnSync('dciodvfy', [file], { encoding: 'utf8' });
  return stderr.split('\n').filter((line) => line.startsWith('Error'));
}

/** Twelve axial slices with a bright block and a brighter one in it. */
const blocks = { rows: 30, columns: 21, slices: 12 };
function blockAt(slice: number, row: number, column: number): number {
  if (slice >= 3 && slice < 8 && row >= 10 && row < 20 && column >= 5 && column < 15) {
    return slice === 5 && row < 13 ? 250 : 150;
  }
  return 20;
}

function blockSeries(model: Model): FetchedInput {
  const frames = new Map<string, Uint8Array[]>();
  const instances = Array.from({ length: blocks.slices }, (_, slice): DicomJson => {
    const uid = `1.9.${slice + 1}`;
    const pixels = new Uint8Array(blocks.rows * blocks.columns);
    pixels.forEach((_value, at) => {
      pixels[at] = blockAt(slice, Math.floor(at / blocks.columns), at % blocks.columns);
    });
    frames.set(uid, [pixels]);
    return {
      ...studyAttributes('CT', '1.2.840.10008.5.1.4.1.1.2', uid),
      ...pixelAttributes(blocks.rows, blocks.columns),
      '00200032': element('DS', -20, -30, slice * 2.5),
      '00200037': element('DS', 1, 0, 0, 0, 1, 0),
      '00200052': element('UI', '1.2.3.4.9'),
      '00280030': element('DS', 0.8, 0.7),
      '00281052': element('DS', 0),
      '00281053': element('DS', 1),
    };
  });
  return fetched(model, instances, frames);
}

describe('result objects', () => {
  let volume: Made;
  let stack: Made;
  let picture: Made;
  let photograph: Made;
  let classified: Made;
  let heart: Made;
  let tiles: Made;
  let labelsFirst: Made;
  let labelsOnly: Made;

  beforeAll(async () => {
    const bright = await loadTiny('radiology/bright', brightVolume());
    volume = await make(bright, blockSeries(bright));
    const first = await loadTiny('radiology/labels-first', inForms(brightVolume(), 'labelmap', 'binary'));
    labelsFirst = await make(first, blockSeries(first));
    const only = await loadTiny('radiology/labels-only', inForms(brightVolume(), 'labelmap'));
    labelsOnly = await make(only, blockSeries(only));
    const three = await loadTiny('radiology/three', threeSlices());
    stack = await make(three, blockSeries(three));
    const boxes = await loadTiny('radiology/boxes', boxesAndMap());
    const png = path.join(temporaryFolder('png'), 'radiograph.png');
    await sharp(Buffer.from(Uint8Array.from({ length: 200 * 100 }, (_, at) => (at % 200) + 20)), {
      raw: { width: 200, height: 100, channels: 1 },
    })
      .png()
      .toFile(png);
    picture = await make(boxes, await radiograph(boxes, png));
    const coloured = await loadTiny('dermatology/boxes', inColour(boxesAndMap()));
    photograph = await make(coloured, colourPhotograph(coloured));
    const shade = await loadTiny('radiology/shade', darkOrBright());
    classified = await make(shade, await radiograph(shade, png));
    const rhythm = await loadModel(path.join(root, 'models/cardiology/ecg-rhythm/1.1.0'));
    heart = await make(rhythm, ecg(rhythm, beats()));
    const nuclei = await loadModel(path.join(root, 'models/pathology/he-nuclei-unet-cc0/1.0.0'));
    tiles = await make(nuclei, await slide(nuclei, await dots(), [96, 112]));
  });
  const all = (): Made[] => [volume, stack, picture, photograph, classified, heart, tiles, labelsFirst, labelsOnly];

  it('are there', () => {
    expect(all().map(({ output }) => output.outcome)).toEqual([
      'positive',
      'negative',
      'positive',
      'positive',
      'negative',
      expect.any(String),
      expect.any(String),
      'positive',
      'positive',
    ]);
    expect(all().map(({ output }) => output.objects.map(({ kind }) => kind))).toEqual([
      ['segmentation', 'segmentation'],
      ['segmentation'],
      ['heat-map', 'drawing'],
      ['heat-map', 'drawing'],
      [],
      [],
      ['segmentation', 'heat-map'],
      ['segmentation', 'segmentation'],
      ['segmentation'],
    ]);
    expect(volume.output.findings.map(({ value }) => value)).toEqual([0.658, 0.042]);
  });

  it('say which model, version, digests, runtime and provider made them', () => {
    for (const { model, files, report } of all())
      for (const file of [...files, report]) {
        const said = JSON.stringify(readPart10(readFileSync(file)).dataset);
        for (const word of [
          model.version,
          model.sha256,
          model.networkSha256,
          'ab'.repeat(32),
          'onnxruntime-node',
          'cpu',
        ])
          expect(said).toContain(word);
      }
  });

  (hasDciodvfy ? it : it.skip)('have no error for dciodvfy', () => {
    const errors = all()
      .flatMap(({ files, report }) => [...files, report])
      .filter((file) => readPart10(readFileSync(file)).sopClassUid !== '1.2.840.10008.5.1.4.1.1.66.7')
      .flatMap((file) => errorsOf(file).map((line) => `${path.basename(file)}: ${line}`));
    expect(errors).toEqual([]);
  });

  (hasDsrdump ? it : it.skip)('are reports that dsrdump reads without a warning', () => {
    for (const { report, output } of all()) {
      const { stdout, stderr, status } = spawnSync('dsrdump', [report], { encoding: 'utf8' });
      // It does not know UTF-8 to check it by, and says so.
      const warnings = stderr
        .split('\n')
        .filter((line) => line !== '' && !line.includes('Specific Character Set: ISO_IR 192'));
      expect([status, warnings]).toEqual([0, []]);
      expect(stdout).toMatch(/"(Imaging Measurement|Clinical) [Rr]eport"/);
      expect(stdout).toContain('Algorithm Version');
      expect(stdout).toContain(output.summary.slice(0, 20));
    }
  });

  it('are reports that refer to segments of bits, and name no label map, which readers in the field refuse', () => {
    const labelMap = '1.2.840.10008.5.1.4.1.1.66.7';
    const reports = [volume, labelsFirst, labelsOnly].map(({ report }) =>
      JSON.stringify(readPart10(readFileSync(report)).dataset['0040A730']),
    );
    expect(reports.map((report) => report.includes(labelMap))).toEqual([false, false, false]);
    expect(reports.map((report) => report.includes('Referenced Segment'))).toEqual([true, true, false]);
  });

  (python === undefined ? it.skip : it)('are segmentations whose pixels pydicom finds where they belong', () => {
    const script = [
      'import sys, json, numpy as np, pydicom',
      'd = pydicom.dcmread(sys.argv[1])',
      'n = int(d.NumberOfFrames)',
      'if d.BitsAllocated == 1:',
      '    a = np.unpackbits(np.frombuffer(d.PixelData, "u1"), bitorder="little")[:n * d.Rows * d.Columns]',
      'else:',
      '    a = d.pixel_array',
      'a = a.reshape(n, d.Rows, d.Columns)',
      'out = []',
      'for f, g in zip(a, d.PerFrameFunctionalGroupsSequence):',
      '    s = int(g.SegmentIdentificationSequence[0].ReferencedSegmentNumber) if "SegmentIdentificationSequence" in g else 0',
      '    out.append([s, float(g.PlanePositionSequence[0].ImagePositionPatient[2]), f.tolist()])',
      'print(json.dumps(out))',
    ].join('\n');
    for (const [index, file] of volume.files.entries()) {
      const frames = JSON.parse(
        execFileSync(python!, ['-c', script, file], { maxBuffer: 64 * 1024 ** 2 }).toString(),
      ) as [number, number, number[][]][];
      // Binary: five slices with the block, one with what is in it. Label map: every slice.
      expect(frames).toHaveLength(index === 0 ? 6 : blocks.slices);
      for (const [segment, z, rows] of frames) {
        const wanted = Array.from({ length: blocks.rows }, (_, row) =>
          Array.from({ length: blocks.columns }, (_, column) => {
            const value = blockAt(z / 2.5, row, column);
            const label = value > 200 ? 2 : value > 100 ? 1 : 0;
            return index === 0 ? Number(label === segment) : label;
          }),
        );
        expect(rows).toEqual(wanted);
      }
    }
  });

  it('tell in the report which segment a number is of', () => {
    const groups = groupsOf(volume.report);
    expect(groups).toHaveLength(2);
    const binary = readPart10(readFileSync(volume.files[0]!));
    const references = groups.map((group) => {
      const [image] = jsonItems(group, '0040A730').filter((item) => jsonText(item, '0040A040') === 'IMAGE');
      const [sop] = jsonItems(image!, '00081199');
      return [jsonText(sop!, '00081155'), Number(jsonText(sop!, '0062000B'))];
    });
    expect(references).toEqual([
      [binary.sopInstanceUid, 1],
      [binary.sopInstanceUid, 2],
    ]);
  });

  it('are of slices seen with their neighbours, of which the last repeat', () => {
    const mean = (slice: number) => {
      let sum = 0;
      for (let row = 0; row < blocks.rows; row++)
        for (let column = 0; column < blocks.columns; column++) sum += blockAt(slice, row, column);
      return sum / (blocks.rows * blocks.columns);
    };
    const overSlices = (offset: number) => {
      const slices = Array.from({ length: blocks.slices }, (_, slice) =>
        mean(Math.min(blocks.slices - 1, Math.max(0, slice + offset))),
      );
      return slices.reduce((sum, one) => sum + one, 0) / slices.length;
    };
    const [before, here, behind, volumeOfBright] = stack.output.findings.map(({ value }) => value);
    for (const [value, offset] of [
      [before, -1],
      [here, 0],
      [behind, 1],
    ] as const)
      expect(value).toBeCloseTo(overSlices(offset), 2);
    // Five slices of 10 x 10 pixels of 0.8 x 0.7 mm, 2.5 mm apart.
    expect(volumeOfBright).toBeCloseTo((500 * 0.8 * 0.7 * 2.5) / 1000, 3);
  });

  it('outline in the report what was segmented, on the slice that shows most of it', () => {
    const [group] = groupsOf(volume.report);
    const [number] = jsonItems(group!, '0040A730').filter((item) => jsonText(item, '0040A040') === 'NUM');
    const [outline] = jsonItems(number!, '0040A730');
    expect(jsonText(outline!, '0040A040')).toBe('SCOORD');
    expect(outline!['00700022']!.Value).toEqual([5, 10, 15, 10, 15, 20, 5, 20, 5, 10]);
    const [image] = jsonItems(outline!, '0040A730');
    // The brighter label takes a part of the sixth slice, and all five are alike but for that.
    expect(jsonText(jsonItems(image!, '00081199')[0]!, '00081155')).toBe('1.9.4');
  });

  it('say which class was chosen by the code of its label, and how sure', () => {
    expect(classified.output.summary).toBe('Shade: Dark');
    expect(classified.output.findings).toMatchObject([{ name: 'Shade: Dark', category: { value: 'DARK' } }]);
    const [group] = groupsOf(classified.report);
    const [chosen] = jsonItems(group!, '0040A730').filter((item) => jsonText(item, '0040A040') === 'CODE');
    expect(jsonText(jsonItems(chosen!, '0040A168')[0]!, '00080104')).toBe('Dark');
    expect(classified.output.findings[0]!.value).toBeGreaterThan(0.5);
  });

  it('draw on a colour picture in colour', () => {
    const state = readPart10(readFileSync(photograph.files[1]!));
    expect(state.sopClassUid).toBe('1.2.840.10008.5.1.4.1.1.11.2');
    expect(jsonText(state.dataset, '00282002')).toBe('SRGB');
    expect(JSON.stringify(state.dataset['00700001'])).toContain('Nodule 0.90');
  });

  it('draw the best of overlapping boxes in the pixels of the picture itself', () => {
    // 200 x 100 became 64 x 32 between two bands of 16: a factor of 3.125.
    expect(picture.output.details.boxes).toHaveLength(1);
    const [left, top, right, bottom] = picture.output.details.boxes[0]!.corners;
    expect([left, top, right, bottom].map((edge) => Math.round(edge))).toEqual([25, 0, 125, 100]);
    const state = readPart10(readFileSync(picture.files[1]!)).dataset;
    expect(JSON.stringify(state['00700001'])).toContain('Nodule 0.90');
  });

  it('mark each beat of an ECG in time', () => {
    const { annotations } = heart.output.details;
    expect(annotations[0]!.milliseconds.length).toBeGreaterThanOrEqual(9);
    expect(JSON.stringify(readPart10(readFileSync(heart.report)).dataset)).toContain('MULTIPOINT');
  });

  it('tile a segmentation as the level of the slide is, only where something is', () => {
    const { dataset } = readPart10(readFileSync(tiles.files[0]!));
    expect(jsonText(dataset, '00209311')).toBe('TILED_SPARSE');
    expect([jsonText(dataset, '00480006'), jsonText(dataset, '00480007')].map(Number)).toEqual([700, 300]);
    expect(Number(jsonText(dataset, '00280008'))).toBeLessThan(6);
    expect(tiles.output.findings[0]!.value).toBeGreaterThan(3);
  });
});

/** The same model for colour pictures, which it makes grey. */
function inForms({ manifest, network }: ModelFiles, ...forms: string[]): ModelFiles {
  const segmentations = forms.map((form) => ({ of: 'found', form, description: `What is bright, ${form}` }));
  return { network, manifest: { ...manifest, segmentations } };
}

function inColour({ manifest, network }: ModelFiles): ModelFiles {
  const input = manifest['input'] as { preprocessing: object[] };
  const [window, ...others] = input.preprocessing;
  return {
    network,
    manifest: {
      ...manifest,
      accepts: { instances: [{ keyword: 'Modality', oneOf: ['XC'] }] },
      input: { ...input, colour: 'colour', preprocessing: [window, { step: 'channels', order: 'grey' }, ...others] },
    },
  };
}

function colourPhotograph(model: Model): FetchedInput {
  const [rows, columns] = [100, 200];
  const instance = {
    ...studyAttributes('XC', '1.2.840.10008.5.1.4.1.1.77.1.4', '1.9'),
    ...pixelAttributes(rows, columns, 3),
  };
  const pixels = Uint8Array.from({ length: rows * columns * 3 }, (_, at) => (at % 3) * 60 + (Math.floor(at / 3) % 80));
  return fetched(model, [instance], new Map([['1.9', [pixels]]]));
}

function groupsOf(report: string): DicomJson[] {
  const { dataset } = readPart10(readFileSync(report));
  const measurements = jsonItems(dataset, '0040A730').find(
    (item) => jsonText(jsonItems(item, '0040A043')[0]!, '00080100') === '126010',
  )!;
  return jsonItems(measurements, '0040A730');
}

/** Dark round spots on pink in the left part of an otherwise empty slide. */
async function dots(): Promise<string> {
  const [width, height] = [700, 300];
  const pixels = Buffer.alloc(width * height * 3, 245);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < 230; x++) {
      const inSpot = Math.hypot((x % 40) - 20, (y % 40) - 20) < 8;
      const colour = inSpot ? [90, 60, 140] : [235, 180, 205];
      colour.forEach((value, channel) => (pixels[(y * width + x) * 3 + channel] = value));
    }
  const file = path.join(temporaryFolder('slide'), 'dots.png');
  await sharp(pixels, { raw: { width, height, channels: 3 } })
    .png()
    .toFile(file);
  return file;
}
