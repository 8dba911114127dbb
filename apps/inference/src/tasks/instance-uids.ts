import { type DicomJson, jsonText } from '#libs/dicom';
import type { InstanceUids } from './archive-client.js';

export function uidsOf(instance: DicomJson): InstanceUids {
  return {
    studyInstanceUID: jsonText(instance, '0020000D') ?? '',
    seriesInstanceUID: jsonText(instance, '0020000E') ?? '',
    sopInstanceUID: jsonText(instance, '00080018') ?? '',
  };
}

/** Available Transfer Syntax UID: in what syntax `transfer-syntax=*` gives the frames. */
export function storedSyntax(instance: DicomJson): string {
  const syntax = jsonText(instance, '00083002');
  if (syntax === undefined)
    throw new Error(`The archive does not say the transfer syntax of ${jsonText(instance, '00080018')}`);
  return syntax;
}
