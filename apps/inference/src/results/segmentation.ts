import path from 'node:path';
import { type DicomJson, jsonItems, uidFromHash } from '#libs/dicom';
import type { ModelManifest } from '../models/manifest.js';
import type { FetchedInput, Model, ModelOutput, ResultObject } from '../models/model.js';
import { numbers, text } from '../models/read-attributes.js';
import { slicesOf } from '../pipelines/inputs/slices-of.js';
import type { Mask, PictureMasks, SlideMask, VolumeMask } from '../pipelines/masks/mask.js';
import { openMask } from '../pipelines/steps/stitch-tiles.js';
import { spacings } from '../pipelines/volumes/grid.js';
import type { InputFacts } from '../pipelines/reducer.js';
import { colourOf, toCieLab } from './colours.js';
import { codeItem, dataset, dcm } from '#libs/reports';
import { labelsOnPlane } from './labels-on-plane.js';
import { onSource } from './on-source.js';
import { algorithmParameters, resultAttributes } from './study-attributes.js';
import { type PixelSource, writeObject } from './write-object.js';

type Form = ModelManifest['segmentations'][number]['form'];
const sopClasses: Record<Form, string> = {
  binary: '1.2.840.10008.5.1.4.1.1.66.4',
  labelmap: '1.2.840.10008.5.1.4.1.1.66.7',
};
/** Frames whose places are written out one by one; a slide with more is written tile by tile without places (TILED_FULL). */
const sparseFramesMax = 20_000;

/** What one frame shows, in the order frames are written. */
interface Frame {
  /** Of Segment Sequence; undefined where the frame holds them all. */
  segment: number | undefined;
  plane: number;
}

/** A mask as frames: the groups that say where they lie, and a way to their pixels. */
interface Planes {
  rows: number;
  columns: number;
  count: number;
  /** Which labels are on a plane, by value. */
  has(plane: number, value: number): boolean;
  /** Outside of these rows a value is not on a plane; absent where that is not known. */
  rowsWith?(plane: number, value: number): { start: number; end: number };
  /** Of one plane, row by row; good until the next is asked for. */
  read(plane: number): Promise<Uint8Array>;
  close(): Promise<void>;
  shared: DicomJson;
  /** Plane position and derivation. */
  groups(plane: number): DicomJson;
  /** Attributes of the whole. */
  attributes: DicomJson;
  /** What tells planes apart, for the dimension index. */
  dimension: { pointer: string; group: string; label: string }[];
  /** 1-based, for each of those. */
  index(plane: number): number[];
  isTiled: boolean;
}

/**
 * A mask as Segmentation (PS3.3 A.51) or Label Map Segmentation Storage: on the frames of the series it was made of, or tiled as the
 * level of the slide. Frames without anything on them are left out of binary ones.
 */
export async function writeSegmentation(
  spec: ModelManifest['segmentations'][number],
  position: number,
  mask: Mask,
  facts: InputFacts,
  model: Model,
  task: FetchedInput,
  finished: Pick<ModelOutput, 'runtime' | 'finishedAt'>,
): Promise<ResultObject> {
  const sopClassUid = sopClasses[spec.form];
  const { attributes, sopInstanceUid, seriesInstanceUid } = resultAttributes(
    {
      name: `seg-${position}`,
      sopClassUid,
      modality: 'SEG',
      seriesNumber: 9100 + position,
      description: spec.description,
    },
    model,
    task,
    finished,
  );
  const file = path.join(task.directory, `segmentation-${position}.dcm`);
  const planes = await planesOf(mask, facts, task);
  try {
    const labels = model.manifest.labels.filter(({ value }) => value > 0).sort((a, b) => a.value - b.value);
    const numbered = labels.map((label, index) => ({
      ...label,
      // Of a label map the number is the value; of a binary one they count from 1.
      number: spec.form === 'labelmap' ? label.value : index + 1,
    }));
    const { frames, isFull } = chooseFrames(spec.form, planes, numbered);
    const pixels =
      spec.form === 'labelmap'
        ? labelPixels(planes, frames)
        : bitPixels(planes, frames, new Map(numbered.map(({ number, value }) => [number, value])));
    await writeObject(
      file,
      {
        ...attributes,
        ...planes.attributes,
        ...pixelModule(spec, planes, frames.length),
        ...dataset({
          SegmentSequence: numbered.map((label) => segmentItem(label, model, task.inputDigest, finished)),
        }),
        ...functionalGroups(spec.form, planes, frames, isFull, numbered.length, sopInstanceUid),
      },
      pixels,
      'OB',
    );
  } finally {
    await planes.close();
  }
  return { kind: 'segmentation', file, sopClassUid, sopInstanceUid, seriesInstanceUid };
}

function chooseFrames(
  form: Form,
  planes: Planes,
  labels: readonly { number: number; value: number }[],
): { frames: Frame[]; isFull: boolean } {
  const all = Array.from({ length: planes.count }, (_, plane) => plane);
  if (form === 'labelmap')
    return { frames: all.map((plane) => ({ segment: undefined, plane })), isFull: planes.isTiled };
  const filled = labels.flatMap(({ number, value }) =>
    all.filter((plane) => planes.has(plane, value)).map((plane): Frame => ({ segment: number, plane })),
  );
  if (planes.isTiled && filled.length > sparseFramesMax)
    return {
      isFull: true,
      frames: labels.flatMap(({ number }) => all.map((plane): Frame => ({ segment: number, plane }))),
    };
  // One frame there must be, if only to say that nothing was found.
  return { frames: filled.length > 0 ? filled : [{ segment: labels[0]!.number, plane: 0 }], isFull: false };
}

function pixelModule(
  spec: ModelManifest['segmentations'][number],
  { rows, columns }: Planes,
  frames: number,
): DicomJson {
  const isBinary = spec.form === 'binary';
  return dataset({
    ImageType: ['DERIVED', 'PRIMARY'],
    SamplesPerPixel: 1,
    PhotometricInterpretation: 'MONOCHROME2',
    NumberOfFrames: frames,
    Rows: rows,
    Columns: columns,
    BitsAllocated: isBinary ? 1 : 8,
    BitsStored: isBinary ? 1 : 8,
    HighBit: isBinary ? 0 : 7,
    PixelRepresentation: 0,
    PixelPaddingValue: isBinary ? undefined : 0,
    LossyImageCompression: '00',
    SegmentationType: isBinary ? 'BINARY' : 'LABELMAP',
    SegmentsOverlap: 'NO',
    ContentLabel: 'SEGMENTATION',
    ContentDescription: spec.description,
    ContentCreatorName: [],
  });
}

function segmentItem(
  label: ModelManifest['labels'][number] & { number: number },
  model: Model,
  inputDigest: string,
  { runtime }: Pick<ModelOutput, 'runtime'>,
): DicomJson {
  const { manifest } = model;
  return dataset({
    SegmentNumber: label.number,
    SegmentLabel: label.label,
    SegmentAlgorithmType: 'AUTOMATIC',
    SegmentAlgorithmName: `${model.id} ${model.version}`.slice(0, 64),
    SegmentationAlgorithmIdentificationSequence: [
      dataset({
        AlgorithmFamilyCodeSequence: [codeItem(manifest.family)],
        AlgorithmName: model.id.slice(0, 64),
        AlgorithmVersion: model.version,
        AlgorithmSource: manifest.manufacturer,
        AlgorithmParameters: algorithmParameters(model, inputDigest, runtime).join('; '),
      }),
    ],
    SegmentedPropertyCategoryCodeSequence: [codeItem(label.category)],
    SegmentedPropertyTypeCodeSequence: [codeItem(label.code)],
    RecommendedDisplayCIELabValue: toCieLab(colourOf(label.value, label.colour)),
    TrackingID: `${model.id} ${label.id}`.slice(0, 64),
    TrackingUID: trackingUid(model, inputDigest, label.id),
  });
}

/** Names what was found across report and segmentation. */
export function trackingUid(model: Pick<Model, 'sha256'>, inputDigest: string, id: string): string {
  return uidFromHash(`tracking|${model.sha256}|${inputDigest}|${id}`);
}

function functionalGroups(
  form: Form,
  planes: Planes,
  frames: readonly Frame[],
  isFull: boolean,
  segmentsDescribed: number,
  sopInstanceUid: string,
): DicomJson {
  const isBinary = form === 'binary';
  const organization = uidFromHash(`dimensions|${sopInstanceUid}`);
  // Where all frames show one of several, it could be said once for all; Slim looks for it at each frame then.
  const oneSegment = isBinary && segmentsDescribed === 1;
  const segmentIdentification = (segment: number | undefined) => ({
    SegmentIdentificationSequence: [dataset({ ReferencedSegmentNumber: segment ?? 1 })],
  });
  const segments = [...new Set(frames.map(({ segment }) => segment))];
  /** Of a plane that many segments are on, made once. */
  const groups = new Map<number, DicomJson>();
  const groupsOf = (plane: number) => {
    const made = groups.get(plane) ?? planes.groups(plane);
    groups.set(plane, made);
    return made;
  };
  const pointer = (attribute: string, group: string, label: string) =>
    dataset({
      DimensionOrganizationUID: organization,
      DimensionIndexPointer: attribute,
      FunctionalGroupPointer: group,
      DimensionDescriptionLabel: label,
    });
  return dataset({
    DimensionOrganizationSequence: [dataset({ DimensionOrganizationUID: organization })],
    DimensionOrganizationType: planes.isTiled ? (isFull ? 'TILED_FULL' : 'TILED_SPARSE') : undefined,
    DimensionIndexSequence: isFull
      ? undefined
      : [
          ...(isBinary ? [pointer('0062000B', '0062000A', 'Segment')] : []),
          ...planes.dimension.map((one) => pointer(one.pointer, one.group, one.label)),
        ],
    SharedFunctionalGroupsSequence: [
      { ...planes.shared, ...(oneSegment && dataset(segmentIdentification(frames[0]!.segment))) },
    ],
    PerFrameFunctionalGroupsSequence: isFull
      ? undefined
      : frames.map(({ segment, plane }) => ({
          ...groupsOf(plane),
          ...dataset({
            FrameContentSequence: [
              dataset({
                DimensionIndexValues: [...(isBinary ? [segments.indexOf(segment) + 1] : []), ...planes.index(plane)],
              }),
            ],
            ...(isBinary && !oneSegment && segmentIdentification(segment)),
          }),
        })),
  });
}

function labelPixels(planes: Planes, frames: readonly Frame[]): PixelSource {
  const bytes = frames.length * planes.rows * planes.columns;
  return {
    bytes: bytes + (bytes % 2),
    async *pieces() {
      for (const { plane } of frames) yield await planes.read(plane);
      if (bytes % 2) yield Buffer.alloc(1);
    },
  };
}

/** One bit a pixel, the lowest first, frame after frame without a gap (PS3.5 8.1.1). */
function bitPixels(planes: Planes, frames: readonly Frame[], values: ReadonlyMap<number, number>): PixelSource {
  const size = planes.rows * planes.columns;
  const bytes = Math.ceil((frames.length * size) / 8);
  return {
    bytes: bytes + (bytes % 2),
    async *pieces() {
      let [held, bits] = [0, 0];
      for (const { segment, plane } of frames) {
        const value = values.get(segment!)!;
        const pixels = await planes.read(plane);
        const out = Buffer.alloc(Math.floor((bits + size) / 8));
        if (bits === 0 && size % 8 === 0) {
          // Whole bytes, and of those only where there is something.
          const { start, end } = planes.rowsWith?.(plane, value) ?? { start: 0, end: planes.rows };
          const last = Math.ceil((end * planes.columns) / 8);
          for (let to = Math.floor((start * planes.columns) / 8); to < last; to++)
            out[to] = packed(pixels, 8 * to, value);
          yield out;
          continue;
        }
        let to = 0;
        for (let at = 0; at < size; at++) {
          if (bits === 0 && at + 8 <= size) {
            out[to++] = packed(pixels, at, value);
            at += 7;
            continue;
          }
          if (pixels[at] === value) held |= 1 << bits;
          if (++bits < 8) continue;
          out[to++] = held;
          held = bits = 0;
        }
        yield out;
      }
      const rest = bytes + (bytes % 2) - Math.floor((frames.length * size) / 8);
      if (rest > 0)
        yield Buffer.concat([Buffer.of(held), Buffer.alloc(1)]).subarray(bits > 0 ? 0 : 1, (bits > 0 ? 0 : 1) + rest);
    },
  };
}

function packed(pixels: Uint8Array, at: number, value: number): number {
  return (
    Number(pixels[at] === value) |
    (Number(pixels[at + 1] === value) << 1) |
    (Number(pixels[at + 2] === value) << 2) |
    (Number(pixels[at + 3] === value) << 3) |
    (Number(pixels[at + 4] === value) << 4) |
    (Number(pixels[at + 5] === value) << 5) |
    (Number(pixels[at + 6] === value) << 6) |
    (Number(pixels[at + 7] === value) << 7)
  );
}

async function planesOf(mask: Mask, facts: InputFacts, task: FetchedInput): Promise<Planes> {
  switch (mask.kind) {
    case 'volume':
      return slicePlanes(mask, facts, task);
    case 'pictures':
      return picturePlanes(mask, task);
    case 'slide':
      return tilePlanes(mask, task);
  }
}

/** Where frames came from: Derivation Image (PS3.3 C.7.6.16.2.6). @returns that of a frame by its index among the input's */
function derivations({ input }: FetchedInput): (frame: number) => DicomJson {
  const byUid = new Map(input.instances.map((instance) => [text(instance, 'SOPInstanceUID'), instance]));
  return (frame) => {
    const { sopInstanceUid, frameNumber } = input.frames[frame]!;
    const instance = byUid.get(sopInstanceUid) ?? {};
    const isMultiFrame = Number(text(instance, 'NumberOfFrames') ?? 1) > 1;
    return dataset({
      DerivationImageSequence: [
        dataset({
          DerivationCodeSequence: [codeItem(dcm('113076', 'Segmentation'))],
          SourceImageSequence: [
            dataset({
              ReferencedSOPClassUID: text(instance, 'SOPClassUID') ?? '',
              ReferencedSOPInstanceUID: sopInstanceUid,
              ReferencedFrameNumber: isMultiFrame ? frameNumber : undefined,
              SpatialLocationsPreserved: 'YES',
              PurposeOfReferenceCodeSequence: [codeItem(dcm('121322', 'Source image for image processing operation'))],
            }),
          ],
        }),
      ],
    });
  };
}

function frameOfReference(task: FetchedInput): DicomJson {
  const [first] = task.input.instances as [DicomJson];
  const uid = text(first, 'FrameOfReferenceUID');
  // Some series name none although their positions belong together; they then share one of ours.
  const own = uidFromHash(`frame-of-reference|${task.input.seriesInstanceUid}`);
  return dataset({
    FrameOfReferenceUID: uid ?? own,
    PositionReferenceIndicator: text(first, 'PositionReferenceIndicator') ?? [],
  });
}

function slicePlanes(mask: VolumeMask, facts: InputFacts, task: FetchedInput): Planes {
  if (facts.kind !== 'stack' && facts.kind !== 'volume') throw new Error('A mask of slices without slices.');
  const slices = slicesOf(task);
  const { source } = facts;
  const data = onSource(mask, source);
  const [count, rows, columns] = source.dims;
  const size = rows * columns;
  const pixelsOf = (plane: number) => data.subarray(plane * size, (plane + 1) * size);
  const labels = Array.from({ length: count }, (_, plane) => labelsOnPlane(pixelsOf(plane), columns));
  const derivation = derivations(task);
  const step = spacings(source)[0];
  const first = slices[0]!;
  return {
    rows,
    columns,
    count,
    has: (plane, value) => labels[plane]!.counts[value]! > 0,
    rowsWith: (plane, value) => ({ start: labels[plane]!.starts[value]!, end: labels[plane]!.ends[value]! }),
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

function picturePlanes({ pictures }: PictureMasks, task: FetchedInput): Planes {
  const [first] = pictures as [PictureMasks['pictures'][number]];
  // Frames of one object have one size; pictures of others are left to objects of their own, which no model has needed yet.
  const alike = pictures.filter(({ rows, columns }) => rows === first.rows && columns === first.columns);
  const labels = alike.map(({ data, columns }) => labelsOnPlane(data, columns));
  const derivation = derivations(task);
  return {
    rows: first.rows,
    columns: first.columns,
    count: alike.length,
    has: (plane, value) => labels[plane]!.counts[value]! > 0,
    rowsWith: (plane, value) => ({ start: labels[plane]!.starts[value]!, end: labels[plane]!.ends[value]! }),
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

async function tilePlanes(mask: SlideMask, task: FetchedInput): Promise<Planes> {
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

/** As a DS holds it: at most 16 characters. */
function decimal(value: number): number {
  return Math.abs(value) < 1e-9 ? 0 : Number(value.toPrecision(9));
}
