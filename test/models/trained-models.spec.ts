import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, jest } from '@jest/globals';
import sharp from 'sharp';
import type { Model } from '../../apps/inference/src/models/model.js';
import { butterworth } from '../../apps/inference/src/pipelines/signals/butterworth.js';
import { prepareInput } from '../../apps/inference/src/pipelines/inputs/prepare-input.js';
import { runPipeline } from '../../apps/inference/src/pipelines/run-pipeline.js';
import { openMask } from '../../apps/inference/src/pipelines/steps/stitch-tiles.js';
import { openSession } from '../../apps/inference/src/runtime/open-session.js';
import type { Tensor, Tensors } from '../../apps/inference/src/pipelines/tensor.js';
import type { FetchedInput } from '../../apps/inference/src/models/model.js';
import { ecg, mrSeries, radiograph, readNifti, slide } from './fetched-samples.js';
import { hasSharedModels, loadShared, sampleOf, sharedModels } from './shared-model.js';

jest.setTimeout(600_000);

const tolerance = 1e-3;
const options = { executionProviders: ['cpu'], intraOpThreads: 2 };

/** A whole run in this process, with what the network itself said. */
async function run(model: Model, task: FetchedInput) {
  const bytes = readFileSync(path.join(model.directory, 'model.onnx'));
  const session = await openSession(bytes, model.manifest, options);
  const calls: { input: Tensor; outputs: Tensors }[] = [];
  const result = await runPipeline(model.manifest, task, async (input) => {
    const outputs = await session.infer(input);
    calls.push({ input, outputs });
    return outputs;
  });
  await session.release();
  return { ...result, calls };
}

const expectedOf = <T>(id: string) => JSON.parse(readFileSync(sampleOf(id, 'expected.json'), 'utf8')) as T;
const near = (actual: ArrayLike<number>, wanted: readonly number[]) =>
  Math.max(...wanted.map((value, index) => Math.abs(actual[index]! - value)));

/** Folders alone: model.json of ours, model.onnx of theirs. What they give is what was recorded where they were made. */
(hasSharedModels ? describe : describe.skip)('trained models (need ../shared/models)', () => {
  it('scores chest radiographs', async () => {
    const id = sharedModels.chest;
    const model = await loadShared(id);
    const wanted = expectedOf<{ file: string; logits: number[]; softmax: Record<string, number> }[]>(id);
    expect(wanted.length).toBe(3);
    for (const { file, logits, softmax } of wanted) {
      const { conclusion, calls } = await run(model, await radiograph(model, sampleOf(id, file)));
      expect(near(calls[0]!.outputs['output']!.data, logits)).toBeLessThan(tolerance);
      const scores = conclusion.findings.map(({ value }) => value);
      expect(near(scores, Object.values(softmax))).toBeLessThan(tolerance);
    }
  });

  it('scores 12-lead ECGs, filtered as they were in training', async () => {
    const id = sharedModels.ecg;
    const model = await loadShared(id);
    const wanted = expectedOf<{ input: string; probs: Record<string, number> }[]>(id);
    expect(wanted.length).toBe(3);
    for (const { input, probs } of wanted) {
      const { conclusion } = await run(model, ecg(model, sampleOf(id, input)));
      const scores = conclusion.findings.map(({ value }) => value);
      expect(near(scores, Object.values(probs))).toBeLessThan(tolerance);
    }
  });

  it('designs the filter that SciPy designs', () => {
    const bandpass = JSON.parse(readFileSync(path.join(sampleOf(sharedModels.ecg, '..'), 'bandpass.json'), 'utf8')) as {
      b: number[];
      a: number[];
    };
    const ours = butterworth('band-pass', 4, [0.5, 40], 100);
    expect(near(ours.b, bandpass.b)).toBeLessThan(1e-9);
    expect(near(ours.a, bandpass.a)).toBeLessThan(1e-9);
  });

  it('segments nuclei, the same whole or cut into tiles', async () => {
    const id = sharedModels.nuclei;
    const model = await loadShared(id);
    const wanted =
      expectedOf<{ file: string; mean_nucleus_prob: number; mean_contour_prob: number; nucleus_fraction: number }[]>(
        id,
      );
    expect(wanted.length).toBe(3);
    for (const { file, mean_nucleus_prob, mean_contour_prob, nucleus_fraction } of wanted) {
      // As recorded: the picture in one piece.
      const whole = { ...model, manifest: wholePicture(model) };
      const one = await run(whole, await slide(whole, sampleOf(id, file), [256, 320]));
      const output = one.calls[0]!.outputs['nucleus_and_contour']!;
      expect(output.dims).toEqual([1, 2, 256, 320]);
      const [nucleus, contour] = [0, 1].map((channel) =>
        (output.data as Float32Array).subarray(channel * 81920, (channel + 1) * 81920),
      );
      expect(Math.abs(mean(nucleus!) - mean_nucleus_prob)).toBeLessThan(tolerance);
      expect(Math.abs(mean(contour!) - mean_contour_prob)).toBeLessThan(tolerance);
      expect(Math.abs(mean(nucleus!.map((value) => Number(value > 0.5))) - nucleus_fraction)).toBeLessThan(tolerance);

      const tiled = await run(model, await slide(model, sampleOf(id, file), [128, 128]));
      const mask = await sharp(sampleOf(id, file.replace('.png', '_expected_mask.png')))
        .greyscale()
        .raw()
        .toBuffer();
      const agreed = nucleus!.reduce((sum, value, at) => sum + Number(value > 0.5 === mask[at]! > 127), 0);
      expect(agreed).toBe(320 * 256);
      // Cut into squares of 256 with 32 around, the network says the same on both sides of the border between them, at column 256.
      const seam = [96, 160, 224, 272] as const;
      expect(difference(one.calls[0]!.outputs, tiled.calls[0]!.outputs, seam)).toBeLessThan(0.005);
      // Up to some 50 pixels from the picture's edge it does not: it sees glass beyond it now, and saw the zeros of its own
      // convolutions before, which it took for nuclei. An object that reaches in from there is whole here and a piece there.
      const [here, there] = await Promise.all([drawn(one), drawn(tiled)]);
      let different = 0;
      for (let row = 96; row < 160; row++)
        for (let column = 96; column < 224; column++) different += Number(here(row, column) !== there(row, column));
      expect(different).toBe(0);
    }
  });

  it('segments a brain, whichever way its slices were stored', async () => {
    const id = sharedModels.brain;
    const model = await loadShared(id);
    const wanted = expectedOf<{ crop_lo: number[]; crop_hi_exclusive: number[]; volumes_ml: Record<string, number> }>(
      id,
    );
    const file = sampleOf(id, 't1_lia_256_1mm.nii.gz');
    const task = mrSeries(model, file, 'coronal');
    const { conclusion, calls, values } = await run(model, task);
    const crop = wanted.crop_hi_exclusive.map((end, axis) => end - wanted.crop_lo[axis]!);
    const { input } = calls[0]!;
    expect(input.dims).toEqual([1, 1, ...crop]);

    const { sizes, data } = readNifti(sampleOf(id, 'expected_labels.nii.gz'));
    const [all, brain] = ['all', 'brain'].map((name) => values.mask(name));
    if (all!.kind !== 'volume' || brain!.kind !== 'volume') throw new Error('no volume');
    let [wrong, dropped, at] = [0, 0, 0];
    for (let i = 0; i < crop[0]!; i++)
      for (let j = 0; j < crop[1]!; j++)
        for (let k = 0; k < crop[2]!; k++, at++) {
          const [x, y, z] = [i, j, k].map((index, axis) => index + wanted.crop_lo[axis]!) as [number, number, number];
          if (data[x + sizes[0] * (y + sizes[1] * z)] !== all!.data[at]) wrong++;
          if (brain!.data[at] !== all!.data[at]) dropped++;
        }
    expect(wrong).toBe(0);
    // Recorded to two decimals, before what is not connected with the brain was taken away.
    const found = model.manifest.labels.map((label) => values.number(`found.${label.id}`));
    expect(near(found, Object.values(wanted.volumes_ml))).toBeLessThanOrEqual(0.005 + tolerance);
    expect(dropped).toBeGreaterThan(0);
    expect(dropped).toBeLessThan(0.01 * at);
    const total = (volumes: readonly number[]) => volumes.reduce((sum, one) => sum + one, 0);
    const reported = conclusion.findings.map(({ value }) => value);
    expect(Math.abs(total(found) - total(reported) - dropped / 1000)).toBeLessThan(0.1);
    expect(conclusion.findings[13]).toMatchObject({ site: { value: '5366008' }, unit: { value: 'mL' } });

    // The same voxels, stored as sagittal slices.
    const turned = await prepareInput(model.manifest, mrSeries(model, file, 'sagittal'));
    for await (const { tensor } of turned.batches) {
      expect(tensor.dims).toEqual(input.dims);
      expect(Buffer.compare(Buffer.from(tensor.data.buffer), Buffer.from(input.data.buffer))).toBe(0);
    }
  });
});

function wholePicture(model: Model): Model['manifest'] {
  const { input } = model.manifest;
  if (input.kind !== 'tiles') throw new Error('no tiles');
  const { cut: _, ...rest } = input;
  return {
    ...model.manifest,
    input: { ...rest, tissueAtLeast: 0, pixelSpacingMicrometres: input.pixelSpacingMicrometres },
  };
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The largest between what the network said of a picture in one piece and in squares of 256 with 32 around, in a box of it. */
function difference(
  whole: Tensors,
  squares: Tensors,
  [top, bottom, left, right]: readonly [number, number, number, number],
): number {
  const [one, many] = [whole, squares].map((tensors) => tensors['nucleus_and_contour']!) as [Tensor, Tensor];
  let largest = 0;
  for (let channel = 0; channel < 2; channel++)
    for (let row = top; row < bottom; row++)
      for (let column = left; column < right; column++) {
        const square = Math.floor(column / 256);
        const at = ((square * 2 + channel) * 320 + row + 32) * 320 + (column % 256) + 32;
        const said = one.data[(channel * 256 + row) * 320 + column]!;
        largest = Math.max(largest, Math.abs(said - many.data[at]!));
      }
  return largest;
}

/** The stitched mask of a run, pixel by pixel of the slide. */
async function drawn({ values }: Awaited<ReturnType<typeof run>>): Promise<(row: number, column: number) => number> {
  const mask = values.mask('mask');
  if (mask.kind !== 'slide') throw new Error('no slide');
  const opened = await openMask(mask);
  const tiles: Uint8Array[] = [];
  for (let index = 0; index < mask.across * mask.down; index++) tiles.push(Uint8Array.from(await opened.tile(index)));
  await opened.close();
  return (row, column) => {
    const [down, across] = [Math.floor(row / mask.tileRows), Math.floor(column / mask.tileColumns)];
    return tiles[down * mask.across + across]![(row % mask.tileRows) * mask.tileColumns + (column % mask.tileColumns)]!;
  };
}
