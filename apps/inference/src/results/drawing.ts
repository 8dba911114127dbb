import path from 'node:path';
import type { DicomJson } from '#libs/dicom';
import { srgbInputProfile } from '#libs/images';
import type { ModelManifest } from '../models/manifest.js';
import type { FetchedInput, Model, ModelOutput, ResultObject } from '../models/model.js';
import { isColour } from '../models/photometric.js';
import { number, text } from '../models/read-attributes.js';
import type { Box } from '../pipelines/values.js';
import { dataset, dateAndTime } from '#libs/reports';
import { referencedSeries, referenceTo, resultAttributes } from './study-attributes.js';
import { writeObject } from './write-object.js';

const greySopClass = '1.2.840.10008.5.1.4.1.1.11.1';
const colourSopClass = '1.2.840.10008.5.1.4.1.1.11.2';
const layer = 'FINDINGS';

/** Boxes with their scores as graphics of a Grayscale or Color Softcopy Presentation State (PS3.3 A.33), an outline and a text each. */
export async function writeDrawing(
  spec: ModelManifest['drawings'][number],
  position: number,
  boxes: readonly Box[],
  model: Model,
  task: FetchedInput,
  finished: Pick<ModelOutput, 'runtime' | 'finishedAt'>,
): Promise<ResultObject> {
  const { instances, frames } = task.input;
  const [first] = instances as [DicomJson];
  const inColour = isColour(first);
  const sopClassUid = inColour ? colourSopClass : greySopClass;
  const { attributes, sopInstanceUid, seriesInstanceUid } = resultAttributes(
    {
      name: `drawing-${position}`,
      sopClassUid,
      modality: 'PR',
      seriesNumber: 9300 + position,
      description: spec.description,
    },
    model,
    task,
    finished,
  );
  const { date, time } = dateAndTime(new Date(finished.finishedAt));
  const label = (value: number) => model.manifest.labels.find((one) => one.value === value)?.label ?? 'Detection';
  const drawn = Map.groupBy(boxes, (box) => box.frame ?? 0);
  const instanceOf = (frame: number) =>
    instances.find((one) => text(one, 'SOPInstanceUID') === frames[frame]!.sopInstanceUid)!;
  const file = path.join(task.directory, `drawing-${position}.dcm`);
  const image = (frame: number) => {
    const instance = instanceOf(frame);
    const isMultiFrame = (number(instance, 'NumberOfFrames') ?? 1) > 1;
    return {
      ...referenceTo(instance),
      ...dataset({ ReferencedFrameNumber: isMultiFrame ? frames[frame]!.frameNumber : undefined }),
    };
  };
  await writeObject(
    file,
    {
      ...attributes,
      ...dataset({
        Laterality: [],
        ContentLabel: 'FINDINGS',
        ContentDescription: spec.description,
        ContentCreatorName: [],
        PresentationCreationDate: date,
        PresentationCreationTime: time,
        ReferencedSeriesSequence: referencedSeries(instances).map((series) => {
          const { '0008114A': references, ...rest } = series;
          return { ...rest, ...dataset({ ReferencedImageSequence: (references?.Value ?? []) as DicomJson[] }) };
        }),
        DisplayedAreaSelectionSequence: instances.map((instance) =>
          dataset({
            ReferencedImageSequence: [referenceTo(instance)],
            DisplayedAreaTopLeftHandCorner: [1, 1],
            DisplayedAreaBottomRightHandCorner: [number(instance, 'Columns') ?? 1, number(instance, 'Rows') ?? 1],
            PresentationSizeMode: 'SCALE TO FIT',
            PresentationPixelAspectRatio: [1, 1],
          }),
        ),
        GraphicLayerSequence: [dataset({ GraphicLayer: layer, GraphicLayerOrder: 1 })],
        GraphicAnnotationSequence: [...drawn].map(([frame, members]) =>
          dataset({
            ReferencedImageSequence: [image(frame)],
            GraphicLayer: layer,
            TextObjectSequence: members.map((box) =>
              dataset({
                AnchorPointAnnotationUnits: 'PIXEL',
                UnformattedTextValue: `${label(box.value)} ${box.score.toFixed(2)}`,
                AnchorPoint: [box.left + 0.5, Math.max(1, box.top + 0.5)],
                AnchorPointVisibility: 'N',
              }),
            ),
            GraphicObjectSequence: members.map((box) =>
              dataset({
                GraphicAnnotationUnits: 'PIXEL',
                GraphicDimensions: 2,
                NumberOfGraphicPoints: 5,
                // Pixel 1\1 is the top left one, its centre; edges lie half a pixel before.
                GraphicData: corners(box).flatMap(([x, y]) => [x + 0.5, y + 0.5]),
                GraphicType: 'POLYLINE',
                GraphicFilled: 'N',
              }),
            ),
          }),
        ),
        PresentationLUTShape: inColour
          ? undefined
          : text(first, 'PhotometricInterpretation') === 'MONOCHROME1'
            ? 'INVERSE'
            : 'IDENTITY',
      }),
      // What is drawn on needs none; a colour presentation state without one is not whole (PS3.3 A.33.2.3).
      ...(inColour && {
        '00282000': { vr: 'OB', InlineBinary: srgbInputProfile().toString('base64') },
        '00282002': { vr: 'CS', Value: ['SRGB'] },
      }),
    },
    undefined,
  );
  return { kind: 'drawing', file, sopClassUid, sopInstanceUid, seriesInstanceUid };
}

/** Round the box, back to where it began. */
export function corners({
  left,
  top,
  right,
  bottom,
}: Pick<Box, 'left' | 'top' | 'right' | 'bottom'>): [number, number][] {
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
    [left, top],
  ];
}
