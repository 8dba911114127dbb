import type { FetchedInput, Model, ModelOutput, ReportDetails, ResultObject } from '../models/model.js';
import { noDetails } from '../models/model.js';
import type { PipelineResult } from '../pipelines/run-pipeline.js';
import { writeDrawing } from './drawing.js';
import { writeHeatMap } from './heat-map.js';
import { outlinesOf, sourceFrame, wholeOf } from './regions.js';
import { writeSegmentation } from './segmentation/write-segmentation.js';

type Finished = Pick<ModelOutput, 'runtime' | 'startedAt' | 'finishedAt'>;

/**
 * What there is to keep of a run beside its numbers: DICOM objects as files in the task's folder, and what the report tells of them.
 * Nothing of an inconclusive run: what is not trusted is not drawn.
 */
export async function makeObjects(
  model: Model,
  task: FetchedInput,
  { conclusion, values, facts }: PipelineResult,
  finished: Finished,
): Promise<{ objects: ResultObject[]; details: ReportDetails }> {
  if (conclusion.outcome === 'inconclusive') return { objects: [], details: noDetails };
  const { manifest } = model;
  const objects: ResultObject[] = [];
  for (const [position, spec] of manifest.segmentations.entries())
    objects.push(await writeSegmentation(spec, position, values.mask(spec.of), facts, model, task, finished));
  for (const [position, spec] of manifest.heatMaps.entries())
    objects.push(...(await writeHeatMap(spec, position, values.kept('heat-map', spec.of), model, task, finished)));
  for (const [position, spec] of manifest.drawings.entries()) {
    const { boxes } = values.kept('boxes', spec.of);
    if (facts.kind === 'image' && boxes.length > 0)
      objects.push(await writeDrawing(spec, position, boxes, model, task, finished));
  }
  return { objects, details: detailsOf(model, task, values, facts) };
}

function detailsOf(
  { manifest }: Model,
  task: FetchedInput,
  values: PipelineResult['values'],
  facts: PipelineResult['facts'],
): ReportDetails {
  const [segmentation] = manifest.segmentations;
  const label = (value: number) =>
    manifest.labels.find((one) => one.value === value) ?? {
      label: 'Detection',
      code: { value: 'DETECTION', scheme: '99ISOCENTER', meaning: 'Detection' },
    };
  return {
    annotations: manifest.annotations.map(({ of, label: name, code }) => ({
      label: name,
      code,
      milliseconds: [...values.list(of)],
    })),
    boxes: manifest.drawings.flatMap(({ of }) =>
      values.kept('boxes', of).boxes.map((box) => {
        const { label: name, code } = label(box.value);
        return {
          label: name,
          code,
          score: box.score,
          corners: [box.left, box.top, box.right, box.bottom] as [number, number, number, number],
          source: sourceFrame(task, box.frame ?? 0),
        };
      }),
    ),
    embeddings: manifest.embeddings.map(({ of, label: name }) => {
      const { data } = values.kept('vector', of);
      return {
        label: name,
        length: data.length,
        base64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
      };
    }),
    outlines: segmentation ? outlinesOf(values.mask(segmentation.of), facts, manifest.labels, task) : {},
    whole: wholeOf(facts, task),
  };
}
