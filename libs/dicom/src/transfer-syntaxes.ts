export const explicitLittleEndian = '1.2.840.10008.1.2.1';

export interface TransferSyntax {
  name: string;
  implicit: boolean;
  bigEndian: boolean;
  deflated: boolean;
  encapsulated: boolean;
  /** Not bit-preserving by definition; several encapsulated ones are lossless. */
  lossy: boolean;
  /** Media type of a frame's bytes (PS3.18 table 8.7.3-5). */
  mediaType: string;
}

const native = (name: string, more: Partial<TransferSyntax> = {}): TransferSyntax => ({
  name,
  implicit: false,
  bigEndian: false,
  deflated: false,
  encapsulated: false,
  lossy: false,
  mediaType: 'application/octet-stream',
  ...more,
});
const encapsulated = (name: string, mediaType: string, lossy: boolean): TransferSyntax =>
  native(name, { encapsulated: true, mediaType, lossy });

/** The transfer syntaxes of PS3.6 table A-1 by UID. One that is not here is read as explicit little endian, encapsulated. */
export const transferSyntaxes: Readonly<Record<string, TransferSyntax>> = Object.freeze({
  '1.2.840.10008.1.2': native('Implicit VR Little Endian', { implicit: true }),
  '1.2.840.10008.1.2.1': native('Explicit VR Little Endian'),
  '1.2.840.10008.1.2.1.98': encapsulated(
    'Encapsulated Uncompressed Explicit VR Little Endian',
    'application/octet-stream',
    false,
  ),
  '1.2.840.10008.1.2.1.99': native('Deflated Explicit VR Little Endian', { deflated: true }),
  '1.2.840.10008.1.2.2': native('Explicit VR Big Endian', { bigEndian: true }),
  '1.2.840.10008.1.2.4.50': encapsulated('JPEG Baseline (Process 1)', 'image/jpeg', true),
  '1.2.840.10008.1.2.4.51': encapsulated('JPEG Extended (Process 2 and 4)', 'image/jpeg', true),
  '1.2.840.10008.1.2.4.52': encapsulated('JPEG Extended (Process 3 and 5)', 'image/jpeg', true),
  '1.2.840.10008.1.2.4.53': encapsulated(
    'JPEG Spectral Selection, Non-Hierarchical (Process 6 and 8)',
    'image/jpeg',
    true,
  ),
  '1.2.840.10008.1.2.4.54': encapsulated(
    'JPEG Spectral Selection, Non-Hierarchical (Process 7 and 9)',
    'image/jpeg',
    true,
  ),
  '1.2.840.10008.1.2.4.55': encapsulated(
    'JPEG Full Progression, Non-Hierarchical (Process 10 and 12)',
    'image/jpeg',
    true,
  ),
  '1.2.840.10008.1.2.4.56': encapsulated(
    'JPEG Full Progression, Non-Hierarchical (Process 11 and 13)',
    'image/jpeg',
    true,
  ),
  '1.2.840.10008.1.2.4.57': encapsulated('JPEG Lossless (Process 14)', 'image/jpeg', false),
  '1.2.840.10008.1.2.4.58': encapsulated('JPEG Lossless, Non-Hierarchical (Process 15)', 'image/jpeg', false),
  '1.2.840.10008.1.2.4.70': encapsulated('JPEG Lossless (Process 14, Selection Value 1)', 'image/jpeg', false),
  '1.2.840.10008.1.2.4.80': encapsulated('JPEG-LS Lossless', 'image/jls', false),
  '1.2.840.10008.1.2.4.81': encapsulated('JPEG-LS Lossy (Near-Lossless)', 'image/jls', true),
  '1.2.840.10008.1.2.4.90': encapsulated('JPEG 2000 (Lossless Only)', 'image/jp2', false),
  '1.2.840.10008.1.2.4.91': encapsulated('JPEG 2000', 'image/jp2', true),
  '1.2.840.10008.1.2.4.92': encapsulated('JPEG 2000 Part 2 Multi-component (Lossless Only)', 'image/jpx', false),
  '1.2.840.10008.1.2.4.93': encapsulated('JPEG 2000 Part 2 Multi-component', 'image/jpx', true),
  '1.2.840.10008.1.2.4.100': encapsulated('MPEG2 Main Profile / Main Level', 'video/mpeg', true),
  '1.2.840.10008.1.2.4.100.1': encapsulated('Fragmentable MPEG2 Main Profile / Main Level', 'video/mpeg', true),
  '1.2.840.10008.1.2.4.101': encapsulated('MPEG2 Main Profile / High Level', 'video/mpeg', true),
  '1.2.840.10008.1.2.4.101.1': encapsulated('Fragmentable MPEG2 Main Profile / High Level', 'video/mpeg', true),
  '1.2.840.10008.1.2.4.102': encapsulated('MPEG-4 AVC/H.264 High Profile / Level 4.1', 'video/mp4', true),
  '1.2.840.10008.1.2.4.102.1': encapsulated(
    'Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1',
    'video/mp4',
    true,
  ),
  '1.2.840.10008.1.2.4.103': encapsulated('MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1', 'video/mp4', true),
  '1.2.840.10008.1.2.4.103.1': encapsulated(
    'Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1',
    'video/mp4',
    true,
  ),
  '1.2.840.10008.1.2.4.104': encapsulated('MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video', 'video/mp4', true),
  '1.2.840.10008.1.2.4.104.1': encapsulated(
    'Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video',
    'video/mp4',
    true,
  ),
  '1.2.840.10008.1.2.4.105': encapsulated('MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video', 'video/mp4', true),
  '1.2.840.10008.1.2.4.105.1': encapsulated(
    'Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video',
    'video/mp4',
    true,
  ),
  '1.2.840.10008.1.2.4.106': encapsulated('MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2', 'video/mp4', true),
  '1.2.840.10008.1.2.4.106.1': encapsulated(
    'Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2',
    'video/mp4',
    true,
  ),
  '1.2.840.10008.1.2.4.107': encapsulated('HEVC/H.265 Main Profile / Level 5.1', 'video/mp4', true),
  '1.2.840.10008.1.2.4.108': encapsulated('HEVC/H.265 Main 10 Profile / Level 5.1', 'video/mp4', true),
  '1.2.840.10008.1.2.4.110': encapsulated('JPEG XL Lossless', 'image/jxl', false),
  '1.2.840.10008.1.2.4.111': encapsulated('JPEG XL JPEG Recompression', 'image/jxl', true),
  '1.2.840.10008.1.2.4.112': encapsulated('JPEG XL', 'image/jxl', true),
  '1.2.840.10008.1.2.4.201': encapsulated('High-Throughput JPEG 2000 (Lossless Only)', 'image/jphc', false),
  '1.2.840.10008.1.2.4.202': encapsulated(
    'High-Throughput JPEG 2000 with RPCL Options (Lossless Only)',
    'image/jphc',
    false,
  ),
  '1.2.840.10008.1.2.4.203': encapsulated('High-Throughput JPEG 2000', 'image/jphc', true),
  '1.2.840.10008.1.2.5': encapsulated('RLE Lossless', 'image/dicom-rle', false),
  '1.2.840.10008.1.2.8.1': encapsulated('Deflated Image Frame Compression', 'application/octet-stream', false),
});

const unknownEncapsulated = encapsulated('Unknown', 'application/octet-stream', false);

/** How the bytes of an object in this syntax are laid out; what we do not know is taken for one more compression. */
export function transferSyntaxOf(uid: string): TransferSyntax {
  return Object.hasOwn(transferSyntaxes, uid) ? transferSyntaxes[uid]! : unknownEncapsulated;
}

/**
 * The syntax in which the web gets what is stored in this one, undecoded: Explicit VR Little Endian for what it shall not
 * have (PS3.18 8.7.3: Implicit VR, Big Endian) or has no use for (Deflated).
 */
export function webTransferSyntax(uid: string): string {
  return transferSyntaxOf(uid).encapsulated ? uid : explicitLittleEndian;
}
