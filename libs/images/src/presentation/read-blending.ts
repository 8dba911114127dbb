import type { DicomJson } from '#libs/dicom';
import { itemsOf, numberOf, textOf } from '../attributes.js';
import type { BulkData } from '../bulk-data.js';
import type { FrameDescription } from '../frame-description.js';
import { ImageError } from '../image-error.js';
import { readPalette } from '../lookup-table.js';
import type { Presentation } from './presentation.js';
import {
  describePresented,
  type PresentedImage,
  presentedImages,
  type PresentedReference,
  readPresentation,
} from './read-presentation.js';

/** Images that a blending presentation state speaks of together, in their own study. */
export interface BlendedSet {
  studyInstanceUid: string;
  references: PresentedReference[];
}

/**
 * The two sets of images that a blending presentation state is about (PS3.3 C.11.14).
 * @throws ImageError missing-attribute
 */
export function blendedSets(state: DicomJson): { underlying: BlendedSet; superimposed: BlendedSet } {
  const setOf = (position: Position): BlendedSet => {
    const item = itemAt(state, position);
    const studyInstanceUid = textOf(item, '0020000D') ?? textOf(state, '0020000D') ?? '';
    return { studyInstanceUid, references: presentedImages(item) };
  };
  return { underlying: setOf('UNDERLYING'), superimposed: setOf('SUPERIMPOSED') };
}

type Position = 'UNDERLYING' | 'SUPERIMPOSED';

function itemAt(state: DicomJson, position: Position): DicomJson {
  const item = itemsOf(state, '00700402').find((one) => textOf(one, '00700405') === position);
  if (item !== undefined) return item;
  throw new ImageError(
    'missing-attribute',
    `Its Blending Sequence (0070,0402) has no item whose Blending Position is ${position}.`,
  );
}

/** What a blending presentation state says of an image and of those that are laid over it. */
export interface AppliedBlending {
  /** Of the image below, in place of what it says of its own values. */
  description: FrameDescription;
  /** Of those above it. */
  superimposed: FrameDescription[];
  presentation: Presentation;
  opacity: number;
  palette: NonNullable<FrameDescription['palette']>;
}

/**
 * Overlays are not shown, neither the state's nor the images' (PS3.3 A.33.4).
 *
 * @param bulkData Of the state: what bulkDataForRendering named.
 * @throws ImageError missing-bulk-data, missing-attribute, invalid-value, truncated
 */
export function applyBlending(
  state: DicomJson,
  underlying: PresentedImage,
  superimposed: readonly PresentedImage[],
  bulkData?: BulkData,
): AppliedBlending {
  const describe = (image: PresentedImage, position: Position): FrameDescription =>
    describePresented(itemAt(state, position), image, bulkData);
  return {
    description: describe(underlying, 'UNDERLYING'),
    superimposed: superimposed.map((image) => describe(image, 'SUPERIMPOSED')),
    presentation: { ...readPresentation(state, underlying), shutters: [] },
    opacity: Math.min(Math.max(numberOf(state, '00700403') ?? 1, 0), 1),
    palette: readPalette(state, false, bulkData),
  };
}
