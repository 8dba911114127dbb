import path from 'node:path';
import { type DicomJson, explicitLittleEndian } from '#libs/dicom';
import { rleLossless } from '#libs/images';
import { codeItem, dataset } from '#libs/reports';
import type { ModelManifest } from '../../models/manifest.js';
import type { FetchedInput, Model, ModelOutput, ResultObject } from '../../models/model.js';
import type { Mask } from '../../pipelines/masks/mask.js';
import type { InputFacts } from '../../pipelines/reducer.js';
import { colourOf, toCieLab } from '../colours.js';
import { algorithmParameters, resultAttributes } from '../study-attributes.js';
import { trackingUid } from '../tracking-uid.js';
import { writeObject } from '../write-object.js';
import { functionalGroups } from './functional-groups.js';
import { picturePlanes, slicePlanes } from './plane-masks.js';
import type { Frame, Planes } from './planes.js';
import { bitPixels, labelPixels, runLengthFrames } from './segment-pixels.js';
import { tilePlanes } from './tile-planes.js';

type Form = ModelManifest['segmentations'][number]['form'];
const sopClasses: Record<Form, string> = {
  binary: '1.2.840.10008.5.1.4.1.1.66.4',
  labelmap: '1.2.840.10008.5.1.4.1.1.66.7',
};
/** Frames whose places are written out one by one; a slide with more is written tile by tile without places (TILED_FULL). */
const sparseFramesMax = 20_000;

/**
 * A mask as Segmentation (PS3.3 A.51) or Label Map Segmentation Storage: on the frames of the series it was made of, or tiled as the
 * level of the slide. Frames without anything on them are left out of binary ones. A label map is RLE, but for that of a slide, which
 * may be larger than memory.
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
    const isRunLength = spec.form === 'labelmap' && !planes.isTiled;
    const pixels =
      spec.form === 'binary'
        ? bitPixels(planes, frames, new Map(numbered.map(({ number, value }) => [number, value])))
        : isRunLength
          ? await runLengthFrames(planes, frames)
          : labelPixels(planes, frames);
    await writeObject(
      file,
      {
        ...attributes,
        ...planes.attributes,
        ...pixelModule(spec, planes, frames.length),
        ...dataset({
          SegmentSequence: numbered.map((label) => segmentItem(label, model, task.inputDigest, finished)),
        }),
        ...functionalGroups(spec.form === 'binary', planes, frames, isFull, numbered.length, sopInstanceUid),
      },
      { pixels, transferSyntaxUid: isRunLength ? rleLossless : explicitLittleEndian },
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
