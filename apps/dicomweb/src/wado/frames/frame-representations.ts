import type { InstanceRow } from '#libs/archive';
import { transferSyntaxOf, webTransferSyntax } from '#libs/dicom';
import { jpegBaseline } from '#libs/images';
import { lastingOffers, type Representation } from '../../wire/negotiate-accept.js';
import { madeSyntaxes } from '../transcoding/possible-syntaxes.js';

/** A form of frames, as stored or to be made. */
export interface FrameRepresentation extends Representation {
  transferSyntaxUid: string;
  isMade: boolean;
}

/**
 * The forms in which frames can be given, as far as the instance's row tells, those stored first. Uncompressed ones are
 * Explicit VR Little Endian whatever the instance is: implicit and big endian shall not be used on the web (PS3.18
 * 8.7.3), and for pixels implicit is the same bytes.
 *
 * Of a media type of images asked for without a transfer syntax, what is stored is the default, whatever table 8.7.3-5
 * says: JPEG Baseline made into JPEG Lossless is larger and no better. JPEG Baseline is made only for who names it.
 */
export function frameRepresentations(
  instance: Pick<InstanceRow, 'transferSyntaxUid' | 'frameKind'>,
  frames: number,
): readonly FrameRepresentation[] {
  const sort = `${instance.transferSyntaxUid} ${instance.frameKind} ${frames === 1}`;
  let offers = known.get(sort);
  if (offers === undefined) {
    offers = lastingOffers(representationsOf(instance, frames));
    // Transfer syntaxes are what senders say they are.
    if (known.size >= knownMax) known.clear();
    known.set(sort, offers);
  }
  return offers;
}

const known = new Map<string, readonly FrameRepresentation[]>();
const knownMax = 200;

function representationsOf(
  instance: Pick<InstanceRow, 'transferSyntaxUid' | 'frameKind'>,
  frames: number,
): FrameRepresentation[] {
  const stored = transferSyntaxOf(instance.transferSyntaxUid);
  const storedUid = webTransferSyntax(instance.transferSyntaxUid);
  // A single part has room for one frame.
  const forms = frames === 1 ? [true, false] : [true];
  const offer = (transferSyntaxUid: string, mediaTypes: string[], isMade: boolean): FrameRepresentation[] =>
    forms.flatMap((isMultipart) =>
      mediaTypes.map((mediaType) => ({
        mediaType,
        isMultipart,
        transferSyntaxUid,
        isMade,
        isStored: !isMade,
        ...(mediaType !== octetStream && mediaType === stored.mediaType && { isDefault: !isMade }),
        ...(transferSyntaxUid === jpegBaseline && isMade && { isDefault: false, isNamedOnly: true }),
      })),
    );
  const made = madeSyntaxes(instance);
  if (made.length > 0 && storedUid !== jpegBaseline) made.push(jpegBaseline);
  return [
    ...offer(storedUid, [...new Set([octetStream, stored.mediaType])], false),
    ...made.filter((uid) => uid !== storedUid).flatMap((uid) => offer(uid, [transferSyntaxOf(uid).mediaType], true)),
  ];
}

const octetStream = 'application/octet-stream';
