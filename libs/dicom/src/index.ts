export { AttributeCoercion, type CoercionOptions } from './coerce-attributes.js';
export {
  type DicomJson,
  type DicomJsonElement,
  jsonItems,
  jsonNumber,
  jsonNumbers,
  jsonPersonName,
  jsonText,
  jsonTexts,
  type PersonName,
} from './dicom-json.js';
export { keywordToTag, standardKeywords, tagToKeyword, tagVr } from './dictionary.js';
export { type BulkData, type ByteSource, encodePart10, startsWithItem } from './encode-part10.js';
export { DicomError, type DicomErrorCode, type DicomErrorPlace } from './errors.js';
export { elementHeader, item, type NewElement } from './explicit-writer.js';
export { BulkDataSearch, type BulkDataStart, findBulkData } from './find-bulk-data.js';
export {
  type BulkDataLocation,
  defaultParseLimits,
  type FrameRange,
  type FrameTable,
  type ParsedInstance,
  type ParseLimits,
  type Part10ReaderOptions,
  readFrameRange,
} from './parsed-instance.js';
export { Part10Reader } from './part10-reader.js';
export { type NativeXmlLimits, NativeDicomXmlReader, readNativeDicomXml } from './read-native-dicom-xml.js';
export { readPart10 } from './read-part10.js';
export { type NewPixelData, rewritePart10, type RewriteSource, type Rewriting } from './rewrite-part10.js';
export { type DicomJsonMember, joinMembers, stringifyDicomJson, stringifyMembers } from './stringify-dicom-json.js';
export { isPrivateTag, tag } from './tags.js';
export { toNativeDicomXml } from './to-native-dicom-xml.js';
export {
  explicitLittleEndian,
  type TransferSyntax,
  transferSyntaxes,
  transferSyntaxOf,
  webTransferSyntax,
} from './transfer-syntaxes.js';
export { toExplicitLittleEndian } from './to-explicit-little-endian.js';
export { isUid, newUid, uidFromHash } from './uids.js';
export { type NaturalizedDataset, writePart10 } from './write-part10.js';
