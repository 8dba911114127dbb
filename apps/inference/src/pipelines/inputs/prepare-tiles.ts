import type { TilesInput } from '../../models/manifest.js';
import type { FetchedInput } from '../../models/model.js';
import { ModelError } from '../../models/model-error.js';
import type { Tensor } from '../tensor.js';
import { backgroundColour } from './background-colour.js';
import type { Prepared } from './prepared.js';
import { frameReader, type DecodedFrame } from './read-frame.js';
import { tileAreas, type TileArea } from './tile-areas.js';

/** Tiles as [batch, 3, rows, columns], 0..255 with glass at 255, padding blank; the tiles of one batch are all that is in memory. */
export async function prepareTiles(spec: TilesInput, task: FetchedInput): Promise<Prepared> {
  const areas = tileAreas(task);
  const read = frameReader(task);
  const [divide, blank] = spec.preprocessing;
  const background = await backgroundColour(
    areas,
    divide,
    async (index) => (await readTile(read, areas, index)).pixels.data,
  );
  return {
    facts: { kind: 'tiles' },
    numbers: {
      background: Math.min(...background),
      pixels: areas.reduce((sum, area) => sum + area.insideRows * area.insideColumns, 0),
    },
    batches: readBatches(spec, areas, background, blank.value, (index) => readTile(read, areas, index)),
  };
}

async function* readBatches(
  spec: TilesInput,
  areas: TileArea[],
  background: readonly number[],
  blank: number,
  read: (index: number) => Promise<DecodedFrame>,
): AsyncGenerator<Tensor> {
  for (let start = 0; start < areas.length; start += spec.batch) {
    const count = Math.min(spec.batch, areas.length - start);
    const { rows, columns } = areas[start]!;
    const data = new Float32Array(count * 3 * rows * columns).fill(blank);
    for (let index = 0; index < count; index++) {
      const { pixels } = await read(start + index);
      placeTile(data, index, areas[start + index]!, pixels.data, background);
    }
    yield { data, dims: [count, 3, rows, columns] };
  }
}

/** Pixel by pixel to plane by plane, scaled so that the background becomes 255; what lies outside the matrix stays blank. */
function placeTile(
  data: Float32Array,
  index: number,
  area: TileArea,
  pixels: ArrayLike<number>,
  background: readonly number[],
): void {
  const plane = area.rows * area.columns;
  for (let channel = 0; channel < 3; channel++) {
    const start = (index * 3 + channel) * plane;
    const scaled = Float32Array.from({ length: 256 }, (_, value) =>
      Math.min(255, (value * 255) / background[channel]!),
    );
    for (let row = 0; row < area.insideRows; row++) {
      for (let column = 0; column < area.insideColumns; column++) {
        const at = row * area.columns + column;
        data[start + at] = scaled[pixels[at * 3 + channel]!]!;
      }
    }
  }
}

async function readTile(
  read: (index: number) => Promise<DecodedFrame>,
  areas: TileArea[],
  index: number,
): Promise<DecodedFrame> {
  const frame = await read(index);
  const { pixels } = frame;
  const area = areas[index]!;
  if (pixels.photometricInterpretation !== 'RGB' || frame.description.bitsStored !== 8)
    throw new ModelError(
      'invalid-input',
      `Tile ${index + 1} is ${pixels.photometricInterpretation} with ${frame.description.bitsStored} bits; colour with 8 bits is needed.`,
    );
  if (pixels.rows !== area.rows || pixels.columns !== area.columns)
    throw new ModelError(
      'invalid-input',
      `Tile ${index + 1} is ${pixels.columns} x ${pixels.rows}; ${area.columns} x ${area.rows} was announced.`,
    );
  return frame;
}
