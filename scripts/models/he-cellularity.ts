import { GraphBuilder } from './graph-builder.js';

/** Optical density of haematoxylin, eosin and DAB in red, green and blue (Ruifrok and Johnston 2001, as in their ImageJ plugin). */
const haematoxylin = [0.65, 0.704, 0.286] as const;
const eosin = [0.072, 0.99, 0.105] as const;

const tissueDensityAbove = 0.05;
const haematoxylinAbove = 0.25;
const darkBelow = 30;

/**
 * RGB tiles (0..255, clear glass at 255) -> per tile: pixels of tissue, sum of haematoxylin density in them, pixels positive
 * for haematoxylin, all pixels.
 *
 * Optical density is the negative decimal logarithm of transmittance and adds up over stains (Beer-Lambert), so the inverse of the
 * stain matrix, a 1x1 convolution, gives the amount of each stain. The third stain is the cross product of the first two: the
 * residual. Pixels that are nearly black in all channels (ink, dust, unscanned area) are no tissue.
 */
export function buildHeCellularity(): Uint8Array {
  const g = new GraphBuilder('he_cellularity');
  const rgb = g.input('rgb', 'float32', ['batch', 3, 'rows', 'columns']);
  const light = g.op('Max', [rgb, g.float(1)]);
  const density = g.op('Mul', [g.op('Log', [g.op('Div', [light, g.float(255)])]), g.float(-1 / Math.LN10)]);

  const unmixing = invert([unit(haematoxylin), unit(eosin), unit(cross(haematoxylin, eosin))]);
  // density = stains x matrix, so stains = density x inverse; Conv wants [stain][channel], the transpose.
  const weights = [0, 1, 2].flatMap((stain) => [0, 1, 2].map((channel) => unmixing[channel]![stain]!));
  const stains = g.op('Conv', [density, g.floats(weights, [3, 3, 1, 1])]);
  const haematoxylinDensity = g.op('Relu', [
    g.op('Slice', [stains, g.integers([0]), g.integers([1]), g.integers([1])]),
  ]);

  const meanDensity = g.op('ReduceMean', [density], { axes: [1] });
  const brightest = g.op('ReduceMax', [rgb], { axes: [1] });
  const isTissue = g.op('And', [
    g.op('Greater', [meanDensity, g.float(tissueDensityAbove)]),
    g.op('Greater', [brightest, g.float(darkBelow)]),
  ]);
  const tissue = g.op('Cast', [isTissue], { to: 1 });
  const isPositive = g.op('And', [isTissue, g.op('Greater', [haematoxylinDensity, g.float(haematoxylinAbove)])]);

  const perTile = (pixels: ReturnType<typeof g.op>) =>
    g.op('ReduceSum', [pixels, g.integers([1, 2, 3])], { keepdims: 0 });
  g.output('tissue', perTile(tissue), 'float32', ['batch']);
  g.output('haematoxylin', perTile(g.op('Mul', [haematoxylinDensity, tissue])), 'float32', ['batch']);
  g.output('positive', perTile(g.op('Cast', [isPositive], { to: 1 })), 'float32', ['batch']);
  return g.model('Haematoxylin in stained slide tiles by colour deconvolution (RGB, glass at 255).', 1);
}

type Vector = readonly [number, number, number];

function unit([x, y, z]: Vector): Vector {
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}

function cross([a, b, c]: Vector, [x, y, z]: Vector): Vector {
  return [b * z - c * y, c * x - a * z, a * y - b * x];
}

/** Inverse of a 3x3 matrix given by rows, by its adjugate. */
function invert([a, b, c]: [Vector, Vector, Vector]): number[][] {
  const columns = [cross(b, c), cross(c, a), cross(a, b)];
  const determinant = a[0] * columns[0]![0] + a[1] * columns[0]![1] + a[2] * columns[0]![2];
  return [0, 1, 2].map((row) => columns.map((column) => column[row]! / determinant));
}
