import type { DicomJson } from '#libs/dicom';
import { numberOf, textOf } from '../attributes.js';
import { bytesOf, type BulkData } from '../bulk-data.js';
import { ImageError } from '../image-error.js';
import { overlayGroups, overlayTag } from './overlay-groups.js';

/** One plane of an overlay, as it lies over one frame (PS3.3 C.9.2). */
export interface Overlay {
  /** Of its elements: 0x6000, 0x6002 and so on. */
  group: number;
  rows: number;
  columns: number;
  /** Where its top left pixel lies in the image, counting from 0; may be outside. */
  top: number;
  left: number;
  /** The bits of the plane, row by row, from bit `bitOffset` of the first byte on, the lowest bit first. */
  bits?: Uint8Array;
  bitOffset: number;
  /** Instead of `bits`: which bit of each of the image's own words the plane is (retired). */
  embeddedBit?: number;
}

const sidePixelsMax = 65535;

/**
 * The overlays that lie over one frame of an instance.
 *
 * @param frameIndex Counts from 0.
 * @param bulkData What bulkDataForRendering named.
 * @throws ImageError missing-bulk-data, truncated
 */
export function readOverlays(dataset: DicomJson, frameIndex: number, bulkData?: BulkData): Overlay[] {
  return overlayGroups.flatMap((group) => readOverlay(dataset, group, frameIndex, bulkData) ?? []);
}

function readOverlay(
  dataset: DicomJson,
  group: number,
  frameIndex: number,
  bulkData: BulkData | undefined,
): Overlay | undefined {
  const tag = (element: string) => overlayTag(group, element);
  const rows = numberOf(dataset, tag('0010'));
  const columns = numberOf(dataset, tag('0011'));
  if (rows === undefined || columns === undefined || !isSide(rows) || !isSide(columns)) return undefined;
  const frames = Math.max(1, numberOf(dataset, tag('0015')) ?? 1);
  // A plane of one frame lies over all of the image's, several over as many from the one named on.
  const plane = frames === 1 ? 0 : frameIndex - ((numberOf(dataset, tag('0051')) ?? 1) - 1);
  if (plane < 0 || plane >= frames) return undefined;
  const place = {
    group,
    rows,
    columns,
    top: (numberOf(dataset, tag('0050'), 0) ?? 1) - 1,
    left: (numberOf(dataset, tag('0050'), 1) ?? 1) - 1,
  };
  const name = `Overlay Data of group ${group.toString(16)}`;
  const bytes = bytesOf(dataset, tag('3000'), name, bulkData);
  if (bytes === undefined) {
    const bit = numberOf(dataset, tag('0102'));
    const isEmbedded = (numberOf(dataset, tag('0100')) ?? 1) > 1 && bit !== undefined && bit >= 0 && bit < 32;
    return isEmbedded ? { ...place, bitOffset: 0, embeddedBit: bit } : undefined;
  }
  const firstBit = plane * rows * columns;
  const [from, to] = [Math.floor(firstBit / 8), Math.ceil((firstBit + rows * columns) / 8)];
  if (bytes.length < to) {
    throw new ImageError('truncated', `${name} has ${bytes.length} bytes; its planes need ${to}.`);
  }
  return { ...place, bits: bytes.subarray(from, to), bitOffset: firstBit % 8 };
}

function isSide(pixels: number): boolean {
  return Number.isInteger(pixels) && pixels >= 1 && pixels <= sidePixelsMax;
}

/** Whether one of its pixels is set. */
export function isSet({ bits, bitOffset }: Overlay, pixel: number): boolean {
  const at = bitOffset + pixel;
  return (((bits as Uint8Array)[at >> 3] as number) >> (at & 7)) % 2 === 1;
}

/** The layer that a presentation state has an overlay shown on; undefined for one that it hides (PS3.3 C.11.7). */
export function activationLayer(dataset: DicomJson, group: number): string | undefined {
  return textOf(dataset, overlayTag(group, '1001'));
}
