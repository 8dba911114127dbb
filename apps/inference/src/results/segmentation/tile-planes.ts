import { type DicomJson, jsonItems } from '#libs/dicom';
import { codeItem, dataset, dcm } from '#libs/reports';
import type { FetchedInput } from '../../models/model.js';
import { numbers, text } from '../../models/read-attributes.js';
import type { SlideMask } from '../../pipelines/masks/mask.js';
import { openMask } from '../../pipelines/steps/stitch-tiles.js';
import type { Planes } from './planes.js';
import { decimal, frameOfReference } from './source-frames.js';

/** Tiled as the level of the slide. */
export async function tilePlanes(mask: SlideMask, task: FetchedInput): Promise<Planes> {
  const [level] = task.input.instances as [DicomJson];
  const opened = await openMask(mask);
  const [origin] = jsonItems(level, '00480008');
  const [originX, originY] = [
    origin ? (numbers(origin, 'XOffsetInSlideCoordinateSystem')[0] ?? 0) : 0,
    origin ? (numbers(origin, 'YOffsetInSlideCoordinateSystem')[0] ?? 0) : 0,
  ];
  const given = numbers(level, 'ImageOrientationSlide');
  const orientation = given.length === 6 ? given : [0, -1, 0, -1, 0, 0];
  const [rowSpacing, columnSpacing] = mask.spacingMicrometres.map((one) => one / 1000) as [number, number];
  const place = (plane: number) => ({
    row: Math.floor(plane / mask.across) * mask.tileRows,
    column: (plane % mask.across) * mask.tileColumns,
  });
  return {
    rows: mask.tileRows,
    columns: mask.tileColumns,
    count: mask.across * mask.down,
    has: (plane, value) => mask.filled[plane] === 1 && mask.counts[value]! > 0,
    read: (plane) => opened.tile(plane),
    close: () => opened.close(),
    attributes: {
      ...frameOfReference(task),
      ...dataset({
        PatientOrientation: [],
        TotalPixelMatrixColumns: mask.matrixColumns,
        TotalPixelMatrixRows: mask.matrixRows,
        TotalPixelMatrixFocalPlanes: 1,
        ImageOrientationSlide: orientation.map(decimal),
        TotalPixelMatrixOriginSequence: [
          dataset({
            XOffsetInSlideCoordinateSystem: decimal(originX),
            YOffsetInSlideCoordinateSystem: decimal(originY),
          }),
        ],
      }),
    },
    shared: dataset({
      PixelMeasuresSequence: [
        dataset({
          PixelSpacing: [rowSpacing, columnSpacing].map(decimal),
          SliceThickness: 0.001,
          SpacingBetweenSlices: 0.001,
        }),
      ],
      DerivationImageSequence: [
        dataset({
          DerivationCodeSequence: [codeItem(dcm('113076', 'Segmentation'))],
          SourceImageSequence: task.input.instances.map((instance) =>
            dataset({
              ReferencedSOPClassUID: text(instance, 'SOPClassUID') ?? '',
              ReferencedSOPInstanceUID: text(instance, 'SOPInstanceUID') ?? '',
              SpatialLocationsPreserved: 'YES',
              PurposeOfReferenceCodeSequence: [codeItem(dcm('121322', 'Source image for image processing operation'))],
            }),
          ),
        }),
      ],
    }),
    groups: (plane) => {
      const { row, column } = place(plane);
      const along = (axis: 0 | 1) =>
        orientation[axis]! * column * columnSpacing + orientation[axis + 3]! * row * rowSpacing;
      return dataset({
        PlanePositionSlideSequence: [
          dataset({
            ColumnPositionInTotalImagePixelMatrix: column + 1,
            RowPositionInTotalImagePixelMatrix: row + 1,
            XOffsetInSlideCoordinateSystem: decimal(originX + along(0)),
            YOffsetInSlideCoordinateSystem: decimal(originY + along(1)),
            ZOffsetInSlideCoordinateSystem: 0,
          }),
        ],
      });
    },
    dimension: [
      { pointer: '0048021F', group: '0048021A', label: 'Row' },
      { pointer: '0048021E', group: '0048021A', label: 'Column' },
    ],
    index: (plane) => [Math.floor(plane / mask.across) + 1, (plane % mask.across) + 1],
    isTiled: true,
  };
}
