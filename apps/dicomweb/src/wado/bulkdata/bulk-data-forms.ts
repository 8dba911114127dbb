import type { InstanceRow } from '#libs/archive';
import { explicitLittleEndian, transferSyntaxOf } from '#libs/dicom';
import type { Representation } from '../../wire/negotiate-accept.js';

const octets = 'application/octet-stream';
const pixelData = '7FE00010';

/** What encapsulated documents are in DICOM (PS3.3 C.24.2); what claims to be anything else is given as bytes. */
const documentTypes = new Set(['application/pdf', 'text/xml', 'model/stl', 'model/obj', 'model/mtl']);

/**
 * The forms in which one value can be given: bytes; a document as what it is; a video as the stream it is.
 * @param mimeType of a document, as its sender wrote it
 */
export function bulkDataForms(
  instance: Pick<InstanceRow, 'transferSyntaxUid'>,
  tagPath: string,
  mimeType: string | undefined,
): Representation[] {
  const stored = transferSyntaxOf(instance.transferSyntaxUid);
  const isCompressed = tagPath === pixelData && stored.encapsulated;
  const transferSyntaxUid = isCompressed ? instance.transferSyntaxUid : explicitLittleEndian;
  const documentType = mimeType?.trim().toLowerCase();
  const named: Representation[] = [];
  if (documentType !== undefined && documentTypes.has(documentType))
    named.push({ mediaType: documentType, isMultipart: false });
  if (isCompressed && stored.mediaType.startsWith('video/')) {
    named.push({ mediaType: stored.mediaType, isMultipart: false, transferSyntaxUid, isDefault: true });
  }
  return [
    { mediaType: octets, isMultipart: true, transferSyntaxUid },
    { mediaType: octets, isMultipart: false, transferSyntaxUid },
    ...named.flatMap((form) => [form, { ...form, isMultipart: true }]),
  ];
}

/** Bytes that are compressed pixels say how (PS3.18 8.7.3.3); of others there is nothing to say. */
export function contentTypeOf(mediaType: string, transferSyntaxUid: string | undefined): string {
  const isPlain = transferSyntaxUid === undefined || transferSyntaxUid === explicitLittleEndian;
  return isPlain ? mediaType : `${mediaType}; transfer-syntax=${transferSyntaxUid}`;
}

/** XML can hold pages with scripts, which a browser would run as if they were ours: it is saved, not shown. */
export function isSafeToShow(mediaType: string): boolean {
  return mediaType !== 'text/xml';
}
