import type { DicomJson } from '#libs/dicom';
import { itemsOf } from '../attributes.js';
import { bytesOf, type BulkData } from '../bulk-data.js';

/** What is asked of the colours of a picture (PS3.18 8.3.5.1.4): the space it is to be in, or `yes` for the image's own. */
export type ColorSpace = 'yes' | 'srgb' | 'adobergb' | 'rommrgb' | 'displayp3';

export interface ColorOptions {
  space: ColorSpace;
  /** The image's own profile; sRGB without it. */
  source?: Uint8Array;
}

const profileBytesMax = 8 * 2 ** 20;

/** The ICC profile of an instance's colours (PS3.3 C.11.15), or of a slide's first optical path (C.8.12.5). */
export function readIccProfile(dataset: DicomJson, bulkData?: BulkData): Uint8Array | undefined {
  const holder = dataset['00282000'] ? dataset : itemsOf(dataset, '00480105')[0];
  const bytes = holder && bytesOf(holder, '00282000', 'ICC Profile', bulkData);
  return bytes !== undefined && isRgbProfile(bytes) ? bytes : undefined;
}

/** ICC.1 7.2: its size, `acsp`, and RGB as what it describes. What is none would be a guess at colours. */
function isRgbProfile(bytes: Uint8Array): boolean {
  if (bytes.length < 132 || bytes.length > profileBytesMax) return false;
  const text = (at: number) => Buffer.from(bytes.buffer, bytes.byteOffset + at, 4).toString('latin1');
  return text(36) === 'acsp' && text(16) === 'RGB ';
}
