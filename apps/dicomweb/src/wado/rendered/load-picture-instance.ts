import type { InstanceRow } from '#libs/archive';
import { type DataSource, queryPrepared } from '#libs/database';
import { type DicomJson, readFrameRange, transferSyntaxOf } from '#libs/dicom';

/** What a picture of an instance is made by. */
export interface PictureInstance {
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
  sopClassUid: string;
  transferSyntaxUid: string;
  frameKind: 'native' | 'encapsulated' | 'none' | 'unindexable';
  numberOfFrames: number;
  /** Of the instance's bytes: what pictures are told apart by. */
  sha256: string;
  dataset: DicomJson;
  /** Where the bytes of one frame lie in the object, when they lie together. */
  firstFrame?: FramePlace;
  /** Where those of all frames lie, one behind the other: of uncompressed ones. */
  frames?: { offset: number; frameLength: number };
  /** Characters of the dataset as JSON. */
  datasetLength: number;
  /** Where the object's bytes are, when the caller has read its row. */
  row?: InstanceRow;
}

export interface FramePlace {
  /** Counting from 0. */
  frameIndex: number;
  offset: number;
  length: number;
}

interface Row extends Pick<
  PictureInstance,
  'sopClassUid' | 'transferSyntaxUid' | 'frameKind' | 'numberOfFrames' | 'sha256'
> {
  dicom_json: string;
  pixelDataOffset: number | null;
  frameBits: number | null;
  entry: Buffer | null;
}

/**
 * @param frameIndex counting from 0: the place of this one is read with the rest
 * @returns undefined when there is no such instance in that series and study
 */
export async function loadPictureInstance(
  db: DataSource,
  target: { studyInstanceUid: string; seriesInstanceUid: string; sopInstanceUid: string },
  frameIndex = 0,
): Promise<PictureInstance | undefined> {
  const rows = await queryPrepared<Row>(
    db,
    'picture-instance',
    `select i.sop_class_uid as "sopClassUid", i.transfer_syntax_uid as "transferSyntaxUid", i.frame_kind as "frameKind",
       coalesce(i.number_of_frames, 1) as "numberOfFrames", encode(i.sha256, 'hex') as sha256, i.dicom_json,
       i.pixel_data_offset as "pixelDataOffset", i.frame_bits as "frameBits",
       substring(i.frame_entries from least($4::integer, 100000000) * 16 + 1 for 16) as entry
     from study st join series se using (study_key) join instance i using (series_key)
     where st.study_instance_uid = $1::text and se.series_instance_uid = $2::text and i.sop_instance_uid = $3::text`,
    [target.studyInstanceUid, target.seriesInstanceUid, target.sopInstanceUid, frameIndex],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const { sopClassUid, transferSyntaxUid, frameKind, numberOfFrames, sha256 } = row;
  const { studyInstanceUid, seriesInstanceUid, sopInstanceUid } = target;
  const frames = framesOf(row);
  const firstFrame = frames ? placeIn(frames, numberOfFrames, frameIndex) : fragmentOf(row, frameIndex);
  return {
    studyInstanceUid,
    seriesInstanceUid,
    sopInstanceUid,
    sopClassUid,
    transferSyntaxUid,
    frameKind,
    numberOfFrames,
    sha256,
    dataset: JSON.parse(row.dicom_json) as DicomJson,
    datasetLength: row.dicom_json.length,
    ...(frames && { frames }),
    ...(firstFrame && { firstFrame }),
  };
}

/** The same instance for another of its frames. */
export function atFrame(instance: PictureInstance, frameIndex: number): PictureInstance {
  const { frames, numberOfFrames } = instance;
  const other = { ...instance };
  delete other.firstFrame;
  const firstFrame = frames && placeIn(frames, numberOfFrames, frameIndex);
  return firstFrame ? { ...other, firstFrame } : other;
}

function placeIn(
  { offset, frameLength }: NonNullable<PictureInstance['frames']>,
  numberOfFrames: number,
  frameIndex: number,
): FramePlace | undefined {
  if (frameIndex >= numberOfFrames) return undefined;
  return { frameIndex, offset: offset + frameIndex * frameLength, length: frameLength };
}

function framesOf({ frameKind, pixelDataOffset, frameBits, transferSyntaxUid }: Row): PictureInstance['frames'] {
  // An odd number of bytes in words of the other order takes a byte more: that is for who reads frames.
  const bitsOfUnit = transferSyntaxOf(transferSyntaxUid).bigEndian ? 16 : 8;
  const isInBytes =
    frameKind === 'native' && pixelDataOffset !== null && frameBits !== null && frameBits % bitsOfUnit === 0;
  return isInBytes ? { offset: pixelDataOffset, frameLength: frameBits / 8 } : undefined;
}

function fragmentOf({ frameKind, entry }: Row, frameIndex: number): FramePlace | undefined {
  if (frameKind !== 'encapsulated' || entry?.length !== 16) return undefined;
  const { offset, length, fragments } = readFrameRange(entry, 0);
  return fragments === 1 ? { frameIndex, offset, length } : undefined;
}
