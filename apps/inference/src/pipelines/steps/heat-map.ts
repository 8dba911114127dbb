import type { PostprocessingStep } from '../../models/manifest.js';
import { ModelError } from '../../models/model-error.js';
import type { Reducer, StepContext } from '../reducer.js';
import { type Tensor, tensorNamed } from '../tensor.js';
import type { HeatMap } from '../values.js';
import { channelsOf } from './channels.js';
import { pictureOf, wrongInput } from './place-mask.js';

type HeatMapStep = Extract<PostprocessingStep, { step: 'heat-map' }>;

/** Cells along the longer side of a slide's map: enough to see where, and small whatever the slide. */
const slideCellsMax = 1024;

/** One channel of an output over the picture, or as means of cells over the slide. */
export function heatMapStep(step: HeatMapStep, { facts, layouts }: StepContext): Reducer {
  const layout = layouts.get(step.of) ?? '';
  const maps: HeatMap['maps'] = [];
  const plane = (tensors: Parameters<NonNullable<Reducer['take']>>[0]) => {
    const tensor = tensorNamed(tensors, step.of);
    const { channels } = channelsOf(tensor, layout);
    if (step.channel >= channels)
      throw new ModelError(
        'invalid-output',
        `"${step.of}" has ${channels} channels; there is no channel ${step.channel}.`,
      );
    const [rows, columns] = ['H', 'W'].map((letter) => tensor.dims[layout.indexOf(letter)]!) as [number, number];
    const size = rows * columns;
    return {
      rows,
      columns,
      of: (item: number) =>
        tensor.data.subarray((item * channels + step.channel) * size, (item * channels + step.channel + 1) * size),
    };
  };

  if (facts.kind === 'image')
    return {
      take: (tensors, { tensor: input, places }) => {
        const { rows, columns, of } = plane(tensors);
        places.forEach((place, item) => {
          const { frame, transform } = pictureOf(place);
          // The map may be coarser than the network's input.
          const [down, across] = [input.dims[2]! / rows, input.dims[3]! / columns];
          const finer = ({ scale, offset }: typeof transform.row, by: number) => ({
            scale: scale * by,
            offset: scale * (by / 2 - 0.5) + offset,
          });
          maps.push({
            frame,
            rows,
            columns,
            data: Float32Array.from(of(item)),
            transform: { row: finer(transform.row, down), column: finer(transform.column, across) },
          });
        });
      },
      finish: (values) => values.set(step.gives, { kind: 'heat-map', maps }),
    };

  if (facts.kind !== 'tiles') throw wrongInput(step.step, facts);
  const cell = Math.max(1, Math.ceil(Math.max(facts.matrixRows, facts.matrixColumns) / slideCellsMax));
  const [cellRows, cellColumns] = [Math.ceil(facts.matrixRows / cell), Math.ceil(facts.matrixColumns / cell)];
  const sums = new Float32Array(cellRows * cellColumns);
  const counts = new Uint32Array(cellRows * cellColumns);
  const addRow = (values: Tensor['data'], from: number, fromColumn: Int32Array, to: number, toColumn: Int32Array) => {
    for (let column = 0; column < toColumn.length; column++) {
      const at = to + toColumn[column]!;
      sums[at]! += values[from + fromColumn[column]!]!;
      counts[at]!++;
    }
  };
  return {
    take: (tensors, { places }) => {
      const { rows, columns, of } = plane(tensors);
      places.forEach((place, item) => {
        if (place.kind !== 'tile') throw wrongInput(step.step, facts);
        const values = of(item);
        const scale = rows / (facts.tileRows + 2 * place.overlap);
        // The same in every row: which value, which cell.
        const fromColumn = Int32Array.from({ length: place.insideColumns }, (_, at) =>
          Math.floor((at + place.overlap) * scale),
        );
        const toColumn = Int32Array.from({ length: place.insideColumns }, (_, at) =>
          Math.floor((place.column + at) / cell),
        );
        for (let row = 0; row < place.insideRows; row++) {
          const from = Math.floor((row + place.overlap) * scale) * columns;
          const to = Math.floor((place.row + row) / cell) * cellColumns;
          addRow(values, from, fromColumn, to, toColumn);
        }
      });
    },
    finish: (values) => {
      // A million cells: in place, and no division where one pixel is a cell.
      for (let at = 0; at < sums.length; at++) if (counts[at]! > 1) sums[at]! /= counts[at]!;
      const along = { scale: cell, offset: cell / 2 - 0.5 };
      values.set(step.gives, {
        kind: 'heat-map',
        maps: [
          {
            frame: undefined,
            rows: cellRows,
            columns: cellColumns,
            data: sums,
            transform: { row: along, column: along },
          },
        ],
      });
    },
  };
}
