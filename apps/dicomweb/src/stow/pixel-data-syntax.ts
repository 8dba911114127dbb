import { DicomError, type DicomJson, explicitLittleEndian, jsonText, transferSyntaxOf } from '#libs/dicom';
import type { MediaType } from '../wire/parse-media-type.js';

const implicitLittleEndian = '1.2.840.10008.1.2';

/** The transfer syntax of bulk data that does not say (PS3.18 table 8.7.3-5), with names that were used before. */
const defaults: Readonly<Record<string, string>> = {
  'application/octet-stream': explicitLittleEndian,
  'image/jls': '1.2.840.10008.1.2.4.80',
  'image/x-jls': '1.2.840.10008.1.2.4.80',
  'image/jp2': '1.2.840.10008.1.2.4.90',
  'image/j2c': '1.2.840.10008.1.2.4.90',
  'image/jpx': '1.2.840.10008.1.2.4.92',
  'image/jphc': '1.2.840.10008.1.2.4.201',
  'image/jph': '1.2.840.10008.1.2.4.201',
  'image/jhc': '1.2.840.10008.1.2.4.201',
  'image/jxl': '1.2.840.10008.1.2.4.110',
  'image/dicom-rle': '1.2.840.10008.1.2.5',
  'image/x-dicom-rle': '1.2.840.10008.1.2.5',
  'video/mpeg': '1.2.840.10008.1.2.4.100',
  'video/mp4': '1.2.840.10008.1.2.4.102',
};

/** How much of a part {@link pixelDataSyntax} wants to see. */
export const startBytesWanted = 64 * 1024;

/**
 * The transfer syntax of an instance whose Pixel Data is a part of the request: what the part says of itself, else what
 * the metadata says, if it is of the same media type, else the default of the media type. A JPEG that does not say is
 * what its header says, for the default (lossless) is seldom meant.
 * @param start of the (first) part
 * @throws DicomError 'unsupported-transfer-syntax' for a media type that no Pixel Data has
 */
export function pixelDataSyntax({ type, parameters }: MediaType, dataset: DicomJson, start: Buffer): string {
  const named = parameters.get('transfer-syntax');
  if (named !== undefined && named !== '*' && named !== '') {
    // Of native pixel data the two differ in nothing, and Explicit VR is what is written.
    return named === implicitLittleEndian ? explicitLittleEndian : named;
  }
  const declared = declaredSyntax(dataset);
  if (declared !== undefined && mediaTypeOf(declared) === (defaults[type] ? mediaTypeOf(defaults[type]) : type)) {
    return declared === implicitLittleEndian ? explicitLittleEndian : declared;
  }
  const syntax = type === 'image/jpeg' ? jpegSyntax(start) : Object.hasOwn(defaults, type) ? defaults[type] : undefined;
  if (syntax !== undefined) return syntax;
  throw new DicomError('unsupported-transfer-syntax', `Pixel Data of the media type ${type} is in no transfer syntax`, {
    tag: '7FE00010',
  });
}

/** What metadata says of its instance's transfer syntax: File Meta's word, or the only one it is available in. */
export function declaredSyntax(dataset: DicomJson): string | undefined {
  const available = dataset['00083002']?.Value ?? [];
  return jsonText(dataset, '00020010') ?? (available.length === 1 ? jsonText(dataset, '00083002') : undefined);
}

const mediaTypeOf = (uid: string) => transferSyntaxOf(uid).mediaType;

/** By the frame header (ISO/IEC 10918-1 B.2.2) and, of lossless ones, the predictor in the scan header (B.2.3). */
function jpegSyntax(bytes: Buffer): string {
  let process: number | undefined;
  for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const length = bytes.readUInt16BE(at + 2);
    // Start of frame: C0 to CF without tables (C4, CC) and what is reserved (C8).
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) process = marker;
    if (marker === 0xda) {
      const predictor = bytes[at + 5 + 2 * bytes[at + 4]!];
      if (process === 0xc3 && predictor !== 1) return '1.2.840.10008.1.2.4.57';
      break;
    }
    at += 2 + length;
  }
  if (process === 0xc0) return '1.2.840.10008.1.2.4.50';
  if (process === 0xc1) return '1.2.840.10008.1.2.4.51';
  return '1.2.840.10008.1.2.4.70';
}
