import { htj2kLossless, NotCompressible } from '#libs/archive';
import { type DataSource, queryPrepared } from '#libs/database';
import { type DicomJson, explicitLittleEndian } from '#libs/dicom';
import { describePixels, isEncodable, type SampleShape } from '#libs/images';

/** Where the frames of an uncompressed instance are, and what. */
export interface FramePlan {
  /** Of the first frame in the Part 10 object. */
  offset: number;
  /** Of one frame. */
  bytes: number;
  count: number;
  shape: SampleShape;
}

interface FramesRow {
  transferSyntaxUid: string;
  frameKind: string;
  offset: number | null;
  pixelBytes: number | null;
  frameBits: number | null;
  frames: number;
  /** Null where it is too long to be worth it. */
  dicomJson: string | null;
}

const implicitLittleEndian = '1.2.840.10008.1.2';
/** A frame is held a few times over while it is compressed. */
const frameBytesMax = 128 * 1024 ** 2;
const framesMax = 65_536;
const metadataBytesMax = 16 * 1024 ** 2;
/** Below this there is little to be had, and much to be written down. */
const frameBytesMin = 1_024;

/** What of an instance can be compressed. @throws NotCompressible that says why it cannot be */
export async function planFrames(db: DataSource, instanceKey: number): Promise<FramePlan> {
  const [row] = await queryPrepared<FramesRow>(
    db,
    'frames-to-compress',
    `select transfer_syntax_uid as "transferSyntaxUid", frame_kind as "frameKind", pixel_data_offset as offset,
            pixel_data_length as "pixelBytes", frame_bits as "frameBits", coalesce(number_of_frames, 1) as frames,
            case when octet_length(dicom_json) <= ${metadataBytesMax} then dicom_json end as "dicomJson"
       from instance where instance_key = $1`,
    [instanceKey],
  );
  if (row === undefined) throw new NotCompressible('it was deleted');
  const { transferSyntaxUid, frameKind, offset, pixelBytes, frameBits, frames, dicomJson } = row;
  if (frameKind === 'none') throw new NotCompressible('it has no frames');
  if (frameKind !== 'native') throw new NotCompressible('it is compressed already');
  // Big endian ones are few, and deflated ones have no frames that could be found.
  if (transferSyntaxUid !== explicitLittleEndian && transferSyntaxUid !== implicitLittleEndian) {
    throw new NotCompressible('its transfer syntax is neither Explicit nor Implicit VR Little Endian');
  }
  if (offset === null || pixelBytes === null || frameBits === null || frameBits % 8 !== 0) {
    throw new NotCompressible('its frames do not begin at bytes');
  }
  const bytes = frameBits / 8;
  if (frames * bytes > pixelBytes) throw new NotCompressible('it has fewer pixels than it says');
  if (bytes < frameBytesMin) throw new NotCompressible('its frames are small');
  if (bytes > frameBytesMax || frames > framesMax || dicomJson === null) {
    throw new NotCompressible('its frames are too large or too many');
  }
  return { offset, bytes, count: frames, shape: shapeOf(dicomJson, transferSyntaxUid, bytes) };
}

function shapeOf(dicomJson: string, uid: string, bytes: number): SampleShape {
  let described;
  try {
    described = describePixels(JSON.parse(dicomJson) as DicomJson, uid, 0);
  } catch (error) {
    throw new NotCompressible('its dataset does not say what its pixels are', { cause: error });
  }
  const { rows, columns, samplesPerPixel, bitsAllocated } = described;
  if ((rows * columns * samplesPerPixel * bitsAllocated) / 8 !== bytes) {
    throw new NotCompressible('its frames are not of the size that its dataset says');
  }
  if (!isEncodable(described, htj2kLossless))
    throw new NotCompressible('its samples are not of a kind that HTJ2K keeps');
  const { transferSyntaxUid, bitsStored, highBit, pixelRepresentation } = described;
  const { photometricInterpretation, planarConfiguration } = described;
  return {
    transferSyntaxUid,
    rows,
    columns,
    samplesPerPixel,
    bitsAllocated,
    bitsStored,
    highBit,
    pixelRepresentation,
    photometricInterpretation,
    planarConfiguration,
  };
}
