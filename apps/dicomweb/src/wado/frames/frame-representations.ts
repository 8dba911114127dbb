import { transferSyntaxOf } from '#libs/dicom';
import type { Representation } from '../../wire/negotiate-accept.js';

export const explicitLittleEndian = '1.2.840.10008.1.2.1';

/**
 * The forms in which frames can be given, as they are stored. Uncompressed ones are Explicit VR Little Endian whatever
 * the instance is: implicit and big endian shall not be used on the web (PS3.18 8.7.3), and for pixels implicit is the
 * same bytes.
 */
export function frameRepresentations(
  transferSyntaxUid: string,
  frames: number,
): (Representation & { transferSyntaxUid: string })[] {
  const stored = transferSyntaxOf(transferSyntaxUid);
  const syntax = stored.encapsulated ? transferSyntaxUid : explicitLittleEndian;
  const mediaTypes = [...new Set(['application/octet-stream', stored.mediaType])];
  // A single part has room for one frame.
  const forms = frames === 1 ? [true, false] : [true];
  return forms.flatMap((isMultipart) =>
    mediaTypes.map((mediaType) => ({ mediaType, isMultipart, transferSyntaxUid: syntax })),
  );
}
