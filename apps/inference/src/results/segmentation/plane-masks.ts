import { dataset } from '#libs/reports';
import type { FetchedInput } from '../../models/model.js';
import { text } from '../../models/read-attributes.js';
import { slicesOf } from '../../pipelines/inputs/slices-of.js';
import type { PictureMasks, VolumeMask } from '../../pipelines/masks/mask.js';
import type { InputFacts } from '../../pipelines/reducer.js';
import { spacings } from '../../pipelines/volumes/grid.js';
import { labelsOnPlane } from '../labels-on-plane.js';
import { onSource } from '../on-source.js';
import type { Planes } from './planes.js';
import { decimal, derivations, frameOfReference } from './source-frames.js';

/** On the slices of the series the mask was made of. */
export function slicePlanes(mask: VolumeMask, facts: InputFacts, task: FetchedInput): Planes {
  if (facts.kind !== 'stack' && facts.kind !== 'volume') throw new Error('A mask of slices without slices.');
  const slices = slicesOf(task);
  const { source } = facts;
  const data = onSource(mask, source);
  const [count, rows, columns] = source.dims;
  const size = rows * columns;
  const pixelsOf = (plane: number) => data.subarray(plane * size, (plane + 1) * size);
  const labels = Array.from({ length: count }, (_, plane) => labelsOnPlane(pixelsOf(plane)));
  const derivation = derivations(task);
  const step = spacings(source)[0];
  const first = slices[0]!;
  return {
    rows,
    columns,
    count,
    has: (plane, value) => labels[plane]![value]! > 0,
    read: async (plane) => pixelsOf(plane),
    close: async () => undefined,
    attributes: frameOfReference(task),
    shared: dataset({
      PixelMeasuresSequence: [
        dataset({
          PixelSpacing: [...first.pixelSpacing].map(decimal),
          SliceThickness: decimal(step),
          SpacingBetweenSlices: decimal(step),
        }),
      ],
      PlaneOrientationSequence: [
        dataset({ ImageOrientationPatient: [...first.rowDirection, ...first.columnDirection].map(decimal) }),
      ],
    }),
    groups: (plane) => ({
      ...dataset({
        PlanePositionSequence: [dataset({ ImagePositionPatient: slices[plane]!.position.map(decimal) })],
      }),
      ...derivation(plane),
    }),
    dimension: [{ pointer: '00200032', group: '00209113', label: 'Position' }],
    index: (plane) => [plane + 1],
    isTiled: false,
  };
}

/** On the pictures themselves. */
export function picturePlanes({ pictures }: PictureMasks, task: FetchedInput): Planes {
  const [first] = pictures as [PictureMasks['pictures'][number]];
  // Frames of one object have one size; pictures of others are left to objects of their own, which no model has needed yet.
  const alike = pictures.filter(({ rows, columns }) => rows === first.rows && columns === first.columns);
  const labels = alike.map(({ data }) => labelsOnPlane(data));
  const derivation = derivations(task);
  return {
    rows: first.rows,
    columns: first.columns,
    count: alike.length,
    has: (plane, value) => labels[plane]![value]! > 0,
    read: async (plane) => alike[plane]!.data,
    close: async () => undefined,
    attributes: {
      ...dataset({ PatientOrientation: [] }),
      ...(text(task.input.instances[0]!, 'FrameOfReferenceUID') !== undefined && frameOfReference(task)),
    },
    shared: dataset({
      PixelMeasuresSequence: first.spacingMm
        ? [dataset({ PixelSpacing: [...first.spacingMm].map(decimal), SliceThickness: 1 })]
        : undefined,
    }),
    groups: (plane) => derivation(alike[plane]!.frame),
    dimension: [{ pointer: '00209057', group: '00209111', label: 'Picture' }],
    index: (plane) => [plane + 1],
    isTiled: false,
  };
}
