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
      {
        pixels: { bytes: pixels.length + (pixels.length % 2), pieces: () => [pixels, Buffer.alloc(pixels.length % 2)] },
      },
    );
    objects.push({ kind: 'heat-map', file, sopClassUid, sopInstanceUid, seriesInstanceUid });
  }
  return objects;
}

/** What a map is drawn on: its pixels, one or three samples each; undefined: the white of glass. */
interface Ground {
  rows: number;
  columns: number;
  /** Source pixels to one of this picture. */
  reduction: number;
  shown: { data: ArrayLike<number>; width: number; channels: number } | undefined;
}

async function ground(map: HeatMap['maps'][number], read: ReturnType<typeof frameReader>): Promise<Ground> {
  if (map.frame === undefined)
    return { rows: map.rows, columns: map.columns, reduction: map.transform.row.scale, shown: undefined };
  const { pixels, description } = await read(map.frame);
  const shown = toPicture(pixels, description, undefined);
  const reduction = Math.max(1, Math.ceil(Math.max(shown.width, shown.height) / sizeMax));
  return {
    rows: Math.floor(shown.height / reduction),
    columns: Math.floor(shown.width / reduction),
    reduction,
    shown,
  };
}

/** So many steps from cold to hot: finer than a picture of 8 bits shows. */
const steps = 4096;

/** Of each step: how much of the picture stays, and the three samples that are added to it. */
function covers(): Float32Array {
  const table = new Float32Array(4 * (steps + 1));
  const hot: [number, number, number] = [0, 0, 0];
  for (let step = 0; step <= steps; step++) {
    heatColour(step / steps, hot);
    const cover = opacity * Math.min(1, (step / steps) * 4);
    table.set([1 - cover, hot[0] * cover, hot[1] * cover, hot[2] * cover], 4 * step);
  }
  return table;
}

let table: Float32Array | undefined;
/** The samples of a row of the picture before the map covers them. */
type Under = (row: number, into: Uint8Array) => void;

function paint(
  map: HeatMap['maps'][number],
  { rows, columns, reduction, shown }: Ground,
  { from, to }: Pick<ModelManifest['heatMaps'][number], 'from' | 'to'>,
): Buffer {
  table ??= covers();
  const pixels = Buffer.alloc(rows * columns * 3, 255);
  const { row: down, column: across } = map.transform;
  const cell = (at: number, { scale, offset }: typeof down, size: number) =>
    Math.min(size - 1, Math.max(0, Math.round(((at + 0.5) * reduction - 0.5 - offset) / scale)));
  const cells = Int32Array.from({ length: columns }, (_, column) => cell(column, across, map.columns));
  const under = shown && underOf(shown, reduction);
  for (let row = 0; row < rows; row++) {
    const values = map.data.subarray(cell(row, down, map.rows) * map.columns);
    const painted = pixels.subarray(row * columns * 3, (row + 1) * columns * 3);
    under?.(row, painted);
    coverRow(painted, values, cells, from, steps / (to - from), table);
  }
  return pixels;
}

function underOf({ data, width, channels }: NonNullable<Ground['shown']>, reduction: number): Under {
  const [green, blue] = channels === 1 ? [0, 0] : [1, 2];
  return (row, into) => {
    for (let at = 0, pixel = row * reduction * width * channels; at < into.length; at += 3) {
      into[at] = data[pixel]!;
      into[at + 1] = data[pixel + green]!;
      into[at + 2] = data[pixel + blue]!;
      pixel += reduction * channels;
    }
  };
}

function coverRow(
  painted: Uint8Array,
  values: Float32Array,
  cells: Int32Array,
  from: number,
  toStep: number,
  cover: Float32Array,
): void {
  for (let column = 0, at = 0; column < cells.length; column++, at += 3) {
    const step = 4 * Math.round(Math.min(steps, Math.max(0, (values[cells[column]!]! - from) * toStep)));
    if (step === 0) continue;
    const rest = cover[step]!;
    // Half more, for fractions are dropped.
    painted[at] = painted[at]! * rest + cover[step + 1]! + 0.5;
    painted[at + 1] = painted[at + 1]! * rest + cover[step + 2]! + 0.5;
    painted[at + 2] = painted[at + 2]! * rest + cover[step + 3]! + 0.5;
  }
}
