import path from 'node:path';
import { toPicture } from '#libs/images';
import type { ModelManifest } from '../models/manifest.js';
import type { FetchedInput, Model, ModelOutput, ResultObject } from '../models/model.js';
import { frameReader } from '../pipelines/inputs/read-frame.js';
import type { HeatMap } from '../pipelines/values.js';
import { heatColour } from './colours.js';
import { codeItem, dataset, dcm } from '#libs/reports';
import { referenceTo, resultAttributes } from './study-attributes.js';
import { writeObject } from './write-object.js';

const sopClassUid = '1.2.840.10008.5.1.4.1.1.7';
/** Longer side of the picture that is kept: it shows where, and is not for measuring. */
const sizeMax = 2048;
/** How much of the hottest colour covers the picture. */
const opacity = 0.5;

/** A Secondary Capture of each picture with the map over it; of a slide the map by itself, on the white of its glass. */
export async function writeHeatMap(
  spec: ModelManifest['heatMaps'][number],
  position: number,
  { maps }: HeatMap,
  model: Model,
  task: FetchedInput,
  finished: Pick<ModelOutput, 'runtime' | 'finishedAt'>,
): Promise<ResultObject[]> {
  const objects: ResultObject[] = [];
  const read = frameReader(task);
  for (const [index, map] of maps.entries()) {
    const { attributes, sopInstanceUid, seriesInstanceUid } = resultAttributes(
      {
        name: `heat-map-${position}-${index}`,
        sopClassUid,
        modality: 'OT',
        seriesNumber: 9200 + position,
        description: spec.description,
      },
      model,
      task,
      finished,
    );
    const picture = await ground(map, read);
    const pixels = paint(map, picture, spec);
    const file = path.join(task.directory, `heat-map-${position}-${index}.dcm`);
    const source = task.input.frames[map.frame ?? 0]!.sopInstanceUid;
    await writeObject(
      file,
      {
        ...attributes,
        ...dataset({
          ReferencedSeriesSequence: undefined,
          ConversionType: 'WSD',
          ImageType: ['DERIVED', 'SECONDARY'],
          DerivationDescription: `${model.manifest.title} ${model.version}: ${spec.description}, ${spec.from} to ${spec.to}`,
          DerivationCodeSequence: [codeItem(dcm('113085', 'Spatial resampling'))],
          SourceImageSequence: task.input.instances
            .filter((instance) => map.frame === undefined || instance['00080018']?.Value?.[0] === source)
            .map(referenceTo),
          Laterality: [],
          PatientOrientation: [],
          BurnedInAnnotation: 'NO',
          SamplesPerPixel: 3,
          PhotometricInterpretation: 'RGB',
          PlanarConfiguration: 0,
          Rows: picture.rows,
          Columns: picture.columns,
          BitsAllocated: 8,
          BitsStored: 8,
          HighBit: 7,
          PixelRepresentation: 0,
          LossyImageCompression: '00',
        }),
      },
      { bytes: pixels.length + (pixels.length % 2), pieces: () => [pixels, Buffer.alloc(pixels.length % 2)] },
    );
    objects.push({ kind: 'heat-map', file, sopClassUid, sopInstanceUid, seriesInstanceUid });
  }
  return objects;
}

const white = [255, 255, 255] as const;

interface Ground {
  rows: number;
  columns: number;
  /** Source pixels to one of this picture. */
  reduction: number;
  colour(row: number, column: number): readonly [number, number, number];
}

async function ground(map: HeatMap['maps'][number], read: ReturnType<typeof frameReader>): Promise<Ground> {
  if (map.frame === undefined)
    return { rows: map.rows, columns: map.columns, reduction: map.transform.row.scale, colour: () => white };
  const { pixels, description } = await read(map.frame);
  const shown = toPicture(pixels, description, undefined);
  const reduction = Math.max(1, Math.ceil(Math.max(shown.width, shown.height) / sizeMax));
  return {
    rows: Math.floor(shown.height / reduction),
    columns: Math.floor(shown.width / reduction),
    reduction,
    colour: (row, column) => {
      const at = (row * reduction * shown.width + column * reduction) * shown.channels;
      return shown.channels === 1
        ? [shown.data[at]!, shown.data[at]!, shown.data[at]!]
        : [shown.data[at]!, shown.data[at + 1]!, shown.data[at + 2]!];
    },
  };
}

function paint(
  map: HeatMap['maps'][number],
  picture: Ground,
  { from, to }: Pick<ModelManifest['heatMaps'][number], 'from' | 'to'>,
): Buffer {
  const pixels = Buffer.alloc(picture.rows * picture.columns * 3);
  const { row: down, column: across } = map.transform;
  const cell = (at: number, { scale, offset }: typeof down, size: number) =>
    Math.min(size - 1, Math.max(0, Math.round(((at + 0.5) * picture.reduction - 0.5 - offset) / scale)));
  const cellsAcross = Int32Array.from({ length: picture.columns }, (_, column) => cell(column, across, map.columns));
  const hot: [number, number, number] = [0, 0, 0];
  let at = 0;
  for (let row = 0; row < picture.rows; row++) {
    const firstCell = cell(row, down, map.rows) * map.columns;
    for (let column = 0; column < picture.columns; column++) {
      const value = map.data[firstCell + cellsAcross[column]!]!;
      const share = Math.min(1, Math.max(0, (value - from) / (to - from)));
      heatColour(share, hot);
      const under = picture.colour(row, column);
      const cover = opacity * Math.min(1, share * 4);
      const rest = 1 - cover;
      pixels[at++] = Math.round(under[0] * rest + hot[0] * cover);
      pixels[at++] = Math.round(under[1] * rest + hot[1] * cover);
      pixels[at++] = Math.round(under[2] * rest + hot[2] * cover);
    }
  }
  return pixels;
}
