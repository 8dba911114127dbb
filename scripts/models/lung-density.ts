import { GraphBuilder, type Edge } from './graph-builder.js';

const airBelowHu = -500;
/** A coarse cell is this many pixels wide: 2-3 mm at the pixel spacing of a chest CT. */
const coarse = 4;

/**
 * Chest CT slices in HU -> 1 where there is air inside the body.
 *
 * Air is what lies below -500 HU. The air around the patient is found by geodesic dilation (morphological reconstruction) from a
 * ring laid around the slice. It runs at a quarter of the resolution, through cells of nothing but air, until nothing changes;
 * then a few rounds at full resolution reach the remaining edge pixels. The coarse grid makes it 16 times cheaper and shuts
 * gaps in the chest wall narrower than a cell.
 */
export function buildLungDensity(): Uint8Array {
  const g = new GraphBuilder('lung_density');
  const hu = g.input('hu', 'float32', ['batch', 1, 'rows', 'columns']);
  const air = g.op('Cast', [g.op('Less', [hu, g.float(airBelowHu)])], { to: 1 });

  const cells = { kernel_shape: [coarse, coarse], strides: [coarse, coarse], ceil_mode: 1 };
  const allAir = g.op('Neg', [g.op('MaxPool', [g.op('Neg', [air])], cells)]);
  const ringed = g.op('Pad', [allAir, g.integers([0, 0, 1, 1, 0, 0, 1, 1]), g.float(1)]);
  const nothing = g.op('Sub', [allAir, allAir]);
  const ring = g.op('Pad', [nothing, g.integers([0, 0, 1, 1, 0, 0, 1, 1]), g.float(1)]);
  const outsideCoarse = dilateWithin(g, ring, ringed, 1024);

  const unringed = g.op('Slice', [outsideCoarse, g.integers([1, 1]), g.integers([-1, -1]), g.integers([2, 3])]);
  const enlarged = g.op('Resize', [unringed, undefined, g.floats([1, 1, coarse, coarse])], {
    mode: 'nearest',
    coordinate_transformation_mode: 'asymmetric',
    nearest_mode: 'floor',
  });
  const size = g.op('Slice', [g.op('Shape', [hu]), g.integers([2]), g.integers([4]), g.integers([0])]);
  const cropped = g.op('Slice', [enlarged, g.integers([0, 0]), size, g.integers([2, 3])]);
  const outside = dilateWithin(g, g.op('Mul', [cropped, air]), air, 16);

  const inside = g.op('Cast', [g.op('Sub', [air, outside])], { to: 2 });
  g.output('air', inside, 'uint8', ['batch', 1, 'rows', 'columns']);
  return g.model('Air inside the body on axial chest CT slices (HU).', 1);
}

function dilateWithin(g: GraphBuilder, marker: Edge, mask: Edge, iterationsMax: number): Edge {
  return g.loop(marker, iterationsMax, (body, state) => {
    const grown = body.op('MaxPool', [state], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    const next = body.op('Min', [grown, mask]);
    // Sums of zeros and ones: exact in float32 up to 2^24, and a slice has fewer pixels. Hence per slice, not over all.
    const change = body.op('Sub', [
      body.op('ReduceSum', [next, body.integers([1, 2, 3])]),
      body.op('ReduceSum', [state, body.integers([1, 2, 3])]),
    ]);
    const most = body.op('ReduceMax', [change], { keepdims: 0 });
    return { state: next, goOn: body.op('Greater', [most, body.float(0.5)]) };
  });
}
