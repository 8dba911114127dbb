import type { DicomJson } from '#libs/dicom';
import { itemsOf, numbersOf, textOf } from '../attributes.js';

export type Vector = readonly [number, number, number];

/** Where the pixels of a frame lie in the patient (PS3.3 C.7.6.2.1.1). Millimetres. */
export interface Plane {
  frameOfReferenceUid: string;
  /** The middle of the first pixel. */
  origin: Vector;
  /** From a pixel to the next of its row, and to the next of its column. */
  alongRow: Vector;
  alongColumn: Vector;
}

/** Attributes of an image of one frame that {@link readPlane} looks at. */
export const planeAttributes = ['00200032', '00200037', '00200052', '00280030'] as const;

/**
 * @param frameIndex Counts from 0: of enhanced objects, the frame's own values or the shared ones.
 * @returns undefined for images that do not say where they lie
 */
export function readPlane(dataset: DicomJson, frameIndex: number): Plane | undefined {
  const value = (group: string, tag: string): number[] => {
    const own = itemsOf(itemsOf(dataset, '52009230')[frameIndex], group)[0];
    return numbersOf(own ?? itemsOf(itemsOf(dataset, '52009229')[0], group)[0] ?? dataset, tag);
  };
  const frameOfReferenceUid = textOf(dataset, '00200052');
  const position = value('00209113', '00200032');
  const orientation = value('00209116', '00200037');
  const [rowSpacing, columnSpacing] = value('00289110', '00280030');
  const isWhole = frameOfReferenceUid !== undefined && position.length === 3 && orientation.length === 6;
  if (!isWhole || rowSpacing === undefined || columnSpacing === undefined) return undefined;
  if (!(rowSpacing > 0 && columnSpacing > 0)) return undefined;
  const row = orientation.slice(0, 3) as unknown as Vector;
  const column = orientation.slice(3) as unknown as Vector;
  // Two directions at right angles, or nothing can be said of what lies where.
  if (Math.abs(dot(row, row) - 1) > 0.01 || Math.abs(dot(column, column) - 1) > 0.01) return undefined;
  if (Math.abs(dot(row, column)) > 0.01) return undefined;
  return {
    frameOfReferenceUid,
    origin: position as unknown as Vector,
    // Pixel Spacing: first between rows, then between columns (PS3.3 10.7.1.3).
    alongRow: scaled(row, columnSpacing),
    alongColumn: scaled(column, rowSpacing),
  };
}

/** Column and row of another image's pixel, for column x and row y of this one: u = x * a + y * b + c, and v alike. */
export interface Placement {
  u: Vector;
  v: Vector;
}

/** Where the pixels of `under` lie in `over`, seen along the normal of their parallel planes. */
export function placementOf(under: Plane, over: Plane): Placement {
  const offset = minus(under.origin, over.origin);
  const along = (axis: Vector): Vector => {
    const square = dot(axis, axis);
    return [dot(under.alongRow, axis) / square, dot(under.alongColumn, axis) / square, dot(offset, axis) / square];
  };
  return { u: along(over.alongRow), v: along(over.alongColumn) };
}

/** Cosine of the angle that planes may have between them and still count as parallel: about one degree. */
const parallelCosine = 0.99985;

export function areParallel(a: Plane, b: Plane): boolean {
  return Math.abs(dot(normalOf(a), normalOf(b))) >= parallelCosine;
}

/** How much of each of these planes is in the one that lies among them: shares of one or two, by their distance. */
export interface Share {
  index: number;
  share: number;
}

/** What counts as in the same plane, and how far from the last of a stack there is still something of it. */
const samePlaneMillimetres = 0.01;

/**
 * The planes on either side of `under`, the nearer with the larger share. Beside the first or last of a stack it is that
 * one, up to half the distance to its neighbour. Empty where there is none so near.
 *
 * @param planes All of them parallel to `under`.
 */
export function sharesOf(under: Plane, planes: readonly Plane[]): Share[] {
  const normal = normalOf(under);
  const places = planes
    .map(({ origin }, index) => ({ index, distance: dot(minus(origin, under.origin), normal) }))
    .sort((a, b) => a.distance - b.distance);
  const same = places.find(({ distance }) => Math.abs(distance) <= samePlaneMillimetres);
  if (same) return [{ index: same.index, share: 1 }];
  const after = places.findIndex(({ distance }) => distance > 0);
  const [below, above] = after === -1 ? [places.at(-1), undefined] : [places[after - 1], places[after]];
  if (below && above) {
    const gap = above.distance - below.distance;
    return [
      { index: below.index, share: above.distance / gap },
      { index: above.index, share: -below.distance / gap },
    ];
  }
  const last = below ?? above;
  const neighbour = below ? places.at(-2) : places[1];
  if (last === undefined || neighbour === undefined) return [];
  const isNear = Math.abs(last.distance) <= Math.abs(last.distance - neighbour.distance) / 2;
  return isNear ? [{ index: last.index, share: 1 }] : [];
}

function normalOf({ alongRow: [a, b, c], alongColumn: [d, e, f] }: Plane): Vector {
  const cross: Vector = [b * f - c * e, c * d - a * f, a * e - b * d];
  return scaled(cross, 1 / Math.sqrt(dot(cross, cross)));
}

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const scaled = ([a, b, c]: Vector, factor: number): Vector => [a * factor, b * factor, c * factor];
