import type { FrameGeometry } from '../../models/frame-geometry.js';

/** Rows of a 3 x 4 matrix: x, y, z in mm of the voxel with these indices and 1. */
export type Affine = readonly number[];

/** An array in space: sizes of its axes, slowest first, and where in the patient (PS3.3 C.7.6.2.1.1, mm) each voxel's centre lies. */
export interface Grid {
  dims: readonly [number, number, number];
  affine: Affine;
}

/** The grid of evenly spaced slices in their order: slice, row, column. */
export function gridOfSlices(slices: readonly FrameGeometry[]): Grid {
  const [first, last] = [slices[0]!, slices.at(-1)!];
  const step = first.position.map((start, axis) => (last.position[axis]! - start) / Math.max(1, slices.length - 1));
  const affine = [0, 1, 2].flatMap((axis) => [
    step[axis]!,
    first.columnDirection[axis]! * first.pixelSpacing[0],
    first.rowDirection[axis]! * first.pixelSpacing[1],
    first.position[axis]!,
  ]);
  return { dims: [slices.length, first.rows, first.columns], affine };
}

export function voxelVolumeMm3({ affine: m }: Grid): number {
  return Math.abs(
    m[0]! * (m[5]! * m[10]! - m[6]! * m[9]!) -
      m[1]! * (m[4]! * m[10]! - m[6]! * m[8]!) +
      m[2]! * (m[4]! * m[9]! - m[5]! * m[8]!),
  );
}

/** Length of a step along each axis, mm. */
export function spacings({ affine: m }: Grid): [number, number, number] {
  return [0, 1, 2].map((axis) => Math.hypot(m[axis]!, m[4 + axis]!, m[8 + axis]!)) as [number, number, number];
}

/** The grid whose voxel `i` is this one's voxel `scale x i + offset`, axis by axis. */
export function subgrid(
  grid: Grid,
  dims: Grid['dims'],
  offset: readonly number[],
  scale: readonly number[] = [1, 1, 1],
): Grid {
  const m = grid.affine;
  const affine = [0, 4, 8].flatMap((row) => [
    m[row]! * scale[0]!,
    m[row + 1]! * scale[1]!,
    m[row + 2]! * scale[2]!,
    m[row + 3]! + m[row]! * offset[0]! + m[row + 1]! * offset[1]! + m[row + 2]! * offset[2]!,
  ]);
  return { dims, affine };
}

/** From indices of `from` to indices of `to`, 3 x 4. @throws RangeError when `to` is flat */
export function between(from: Grid, to: Grid): Affine {
  const [m, n] = [from.affine, to.affine];
  const inverse = invert(n);
  return [0, 3, 6].flatMap((row) => {
    const weights = [inverse[row]!, inverse[row + 1]!, inverse[row + 2]!] as const;
    return [0, 1, 2, 3].map(
      (column) =>
        weights[0] * (m[column]! - (column === 3 ? n[3]! : 0)) +
        weights[1] * (m[4 + column]! - (column === 3 ? n[7]! : 0)) +
        weights[2] * (m[8 + column]! - (column === 3 ? n[11]! : 0)),
    );
  });
}

function invert(m: Affine): number[] {
  const [a, b, c, d, e, f, g, h, i] = [m[0]!, m[1]!, m[2]!, m[4]!, m[5]!, m[6]!, m[8]!, m[9]!, m[10]!];
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  if (determinant === 0) throw new RangeError('A grid whose axes lie in one plane has no inverse.');
  return [
    e * i - f * h,
    c * h - b * i,
    b * f - c * e,
    f * g - d * i,
    a * i - c * g,
    c * d - a * f,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  ].map((cofactor) => cofactor / determinant);
}

export function sameGrid(a: Grid, b: Grid): boolean {
  return (
    a.dims.every((size, axis) => size === b.dims[axis]) &&
    a.affine.every((value, index) => Math.abs(value - b.affine[index]!) < 1e-6)
  );
}

export function voxels({ dims }: Grid): number {
  return dims[0] * dims[1] * dims[2];
}
