import type { PostprocessingStep } from '../../models/manifest.js';
import { ModelError } from '../../models/model-error.js';
import { splitObjects } from '../masks/split-objects.js';
import type { Reducer, StepContext } from '../reducer.js';
import { tensorNamed } from '../tensor.js';
import { channelsOf } from './channels.js';

type ObjectsStep = Extract<PostprocessingStep, { step: 'split-objects' }>;

/** Objects of tiles or pictures: a mask of them for the steps after, how many there are, how large they are. */
export function objectsStep(step: ObjectsStep, { facts, layouts }: StepContext): Reducer {
  const layout = layouts.get(step.of) ?? '';
  (layouts as Map<string, string>).set(step.gives, layout.replace('C', ''));
  const areas: number[] = [];
  return {
    take: (tensors, { places }) => {
      const tensor = tensorNamed(tensors, step.of);
      const { channels } = channelsOf(tensor, layout);
      const [rows, columns] = ['H', 'W'].map((letter) => tensor.dims[layout.indexOf(letter)]!) as [number, number];
      const plane = rows * columns;
      if (step.foreground.channel >= channels || step.border.channel >= channels)
        throw new ModelError('invalid-output', `"${step.of}" has ${channels} channels, fewer than ${step.step} reads.`);
      const mask = new Uint8Array(places.length * plane);
      places.forEach((place, item) => {
        const channel = (index: number) =>
          tensor.data.subarray((item * channels + index) * plane, (item * channels + index + 1) * plane);
        const found = splitObjects(
          step,
          channel(step.foreground.channel),
          channel(step.border.channel),
          rows,
          columns,
          mask.subarray(item * plane, (item + 1) * plane),
        );
        const isOwn = ({ row, column }: { row: number; column: number }) =>
          place.kind !== 'tile' ||
          (row >= place.overlap &&
            row < place.overlap + place.insideRows &&
            column >= place.overlap &&
            column < place.overlap + place.insideColumns);
        for (const object of found) if (isOwn(object)) areas.push(object.pixels * pixelArea(place));
      });
      return { [step.gives]: { data: mask, dims: [places.length, rows, columns] } };
    },
    finish: (values) => {
      values.set(`${step.gives}.count`, areas.length);
      values.set(`${step.gives}.area`, Float64Array.from(areas));
    },
  };

  /** um2; NaN where the picture does not say. */
  function pixelArea(place: Parameters<NonNullable<Reducer['take']>>[1]['places'][number]): number {
    if (facts.kind === 'tiles') return facts.spacingMicrometres[0] * facts.spacingMicrometres[1];
    if (facts.kind !== 'image' || place.kind !== 'picture') return NaN;
    const spacing = facts.pictures[place.frame]?.spacingMm;
    const { row, column } = place.transform;
    return spacing ? spacing[0] * spacing[1] * row.scale * column.scale * 1e6 : NaN;
  }
}
