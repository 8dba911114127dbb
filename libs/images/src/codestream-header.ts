import { ImageError } from './image-error.js';

/** What a compressed frame says about itself, read before any decoder sees it. */
export interface CodestreamHeader {
  codec: 'jpeg' | 'jpeg-lossless' | 'jpeg-ls' | 'jpeg2000' | 'htj2k';
  columns: number;
  rows: number;
  components: number;
  /** Bits of a sample. */
  precision: number;
  /** JPEG 2000 only; the others know no sign. */
  isSigned: boolean;
  /** JPEG: what its markers say about colour; undefined when they say nothing. */
  jpegColor: 'ycc' | 'rgb' | undefined;
  /** JPEG: as libjpeg would take it, left to itself. */
  libjpegColor: 'ycc' | 'rgb';
  /** JPEG: every component has a sample for every pixel. JPEG 2000: likewise. */
  isFullResolution: boolean;
  /** JPEG-LS interleave mode: 0 one scan a component, 1 by line, 2 by sample. */
  interleave: number;
  /** JPEG 2000: the components are transformed together (RCT, ICT), and the decoder gives RGB. */
  hasComponentTransform: boolean;
}

/** JPEG XL tells its size in a bit stream that its decoder reads, and checks against the dataset, before it decodes. */
export function isJpegXl(bytes: Uint8Array): boolean {
  return startsWith(bytes, [0xff, 0x0a]) || startsWith(bytes, [0, 0, 0, 0x0c, 0x4a, 0x58, 0x4c, 0x20]);
}

/**
 * Reads the header of a JPEG, JPEG-LS, JPEG 2000 or HTJ2K codestream. The codestream itself says which it is: frames
 * under the transfer syntax of another codec of the family are met in archives.
 *
 * @throws ImageError malformed, truncated
 */
export function readCodestreamHeader(bytes: Uint8Array): CodestreamHeader {
  if (startsWith(bytes, [0xff, 0xd8])) return readJpegHeader(bytes);
  const at = findJpeg2000(bytes);
  if (at >= 0) return readJpeg2000Header(bytes, at);
  throw new ImageError(
    'malformed',
    'The compressed frame begins like none of JPEG, JPEG-LS, JPEG 2000, HTJ2K or JPEG XL.',
  );
}

function startsWith(bytes: Uint8Array, start: number[]): boolean {
  return start.every((byte, i) => bytes[i] === byte);
}

function u16(bytes: Uint8Array, at: number): number {
  if (at + 2 > bytes.length) throw cutOff(at);
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 65536 + u16(bytes, at + 2);
}

function u8(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw cutOff(at);
  return byte;
}

function cutOff(at: number): ImageError {
  return new ImageError('truncated', `The compressed frame ends in its header, at byte ${at}.`);
}

/** ISO/IEC 10918-1 annex B, and 14495-1 annex C for SOF55. */
function readJpegHeader(bytes: Uint8Array): CodestreamHeader {
  let hasJfif = false;
  let adobeTransform: number | undefined;
  let header: CodestreamHeader | undefined;
  let ids: number[] = [];

  for (let at = 2; ;) {
    if (u8(bytes, at) !== 0xff)
      throw new ImageError('malformed', `A JPEG marker is missing at byte ${at} of the frame.`);
    const marker = u8(bytes, at + 1);
    // Fill bytes, and markers without a segment.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
      continue;
    }
    if (marker === 0xd9) throw new ImageError('malformed', 'The JPEG frame ends before its first scan.');
    const length = u16(bytes, at + 2);
    const content = at + 4;

    if (isStartOfFrame(marker)) {
      const components = u8(bytes, content + 5);
      const sampling = Array.from({ length: components }, (_, i) => u8(bytes, content + 7 + 3 * i));
      ids = Array.from({ length: components }, (_, i) => u8(bytes, content + 6 + 3 * i));
      header = {
        codec: marker === 0xf7 ? 'jpeg-ls' : (marker & 0x03) === 3 ? 'jpeg-lossless' : 'jpeg',
        precision: u8(bytes, content),
        rows: u16(bytes, content + 1),
        columns: u16(bytes, content + 3),
        components,
        isSigned: false,
        jpegColor: undefined,
        libjpegColor: 'ycc',
        isFullResolution: sampling.every((factor) => factor === sampling[0]),
        interleave: 0,
        hasComponentTransform: false,
      };
    } else if (marker === 0xe0 && startsWith(bytes.subarray(content), [0x4a, 0x46, 0x49, 0x46, 0])) {
      hasJfif = true;
    } else if (marker === 0xee && startsWith(bytes.subarray(content), [0x41, 0x64, 0x6f, 0x62, 0x65])) {
      adobeTransform = u8(bytes, content + 11);
    } else if (marker === 0xda) {
      if (!header) throw new ImageError('malformed', 'The JPEG frame has a scan before its frame header.');
      if (header.codec === 'jpeg-ls') header.interleave = u8(bytes, content + 2 + 2 * u8(bytes, content));
      const namedRgb = ids.length === 3 && ids[0] === 82 && ids[1] === 71 && ids[2] === 66;
      if (hasJfif) header.jpegColor = 'ycc';
      else if (adobeTransform !== undefined) header.jpegColor = adobeTransform === 0 ? 'rgb' : 'ycc';
      else if (namedRgb) header.jpegColor = 'rgb';
      // Chroma at less than full resolution cannot be R, G or B.
      else if (!header.isFullResolution) header.jpegColor = 'ycc';
      header.libjpegColor =
        !hasJfif && (adobeTransform === 0 || (adobeTransform === undefined && namedRgb)) ? 'rgb' : 'ycc';
      return header;
    }
    at += 2 + length;
  }
}

/** SOF0 to SOF15, but DHT (C4), JPG (C8), DAC (CC); and SOF55 of JPEG-LS. */
function isStartOfFrame(marker: number): boolean {
  return (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) || marker === 0xf7;
}

/** Where the codestream begins, also inside a JP2 file (which DICOM does not allow, and which is met); -1 for none. */
function findJpeg2000(bytes: Uint8Array): number {
  if (startsWith(bytes, [0xff, 0x4f, 0xff, 0x51])) return 0;
  if (!startsWith(bytes, [0, 0, 0, 0x0c, 0x6a, 0x50, 0x20, 0x20])) return -1;
  for (let at = 0; at + 8 <= bytes.length;) {
    const length = u32(bytes, at);
    if (u32(bytes, at + 4) === 0x6a703263) return at + (length === 1 ? 16 : 8); // 'jp2c'
    if (length < 8) break;
    at += length;
  }
  throw new ImageError('malformed', 'The JP2 file in the frame has no codestream.');
}

/** ISO/IEC 15444-1 annex A.5.1 (SIZ), A.6.1 (COD), 15444-15 (CAP). */
function readJpeg2000Header(bytes: Uint8Array, start: number): CodestreamHeader {
  const siz = start + 6; // after SOC, SIZ and Lsiz
  const columns = u32(bytes, siz + 2) - u32(bytes, siz + 10);
  const rows = u32(bytes, siz + 6) - u32(bytes, siz + 14);
  const components = u16(bytes, siz + 34);
  if (components < 1 || components > 16384) throw new ImageError('malformed', 'The JPEG 2000 frame has no components.');
  const depths: number[] = [];
  let isFullResolution = true;
  for (let i = 0; i < components; i++) {
    depths.push(u8(bytes, siz + 36 + 3 * i));
    isFullResolution &&= u8(bytes, siz + 37 + 3 * i) === 1 && u8(bytes, siz + 38 + 3 * i) === 1;
  }
  const depth = depths[0] as number;
  if (depths.some((other) => other !== depth)) {
    throw new ImageError('unsupported-pixels', 'The components of the JPEG 2000 frame have different depths.');
  }

  let isHighThroughput = false;
  let hasComponentTransform = false;
  let at = start + 2;
  for (; u16(bytes, at) !== 0xff90; at += 2 + u16(bytes, at + 2)) {
    const marker = u16(bytes, at);
    if (marker >> 8 !== 0xff)
      throw new ImageError('malformed', `A JPEG 2000 marker is missing at byte ${at} of the frame.`);
    if (marker === 0xff50) isHighThroughput = true;
    if (marker === 0xff52) hasComponentTransform = u8(bytes, at + 8) === 1;
  }
  const across = Math.ceil((u32(bytes, siz + 2) - u32(bytes, siz + 26)) / u32(bytes, siz + 18));
  const down = Math.ceil((u32(bytes, siz + 6) - u32(bytes, siz + 30)) / u32(bytes, siz + 22));
  checkTileParts(bytes, at, across * down);
  return {
    codec: isHighThroughput ? 'htj2k' : 'jpeg2000',
    columns,
    rows,
    components,
    precision: (depth & 0x7f) + 1,
    isSigned: (depth & 0x80) !== 0,
    jpegColor: undefined,
    libjpegColor: 'ycc',
    isFullResolution,
    interleave: 0,
    hasComponentTransform,
  };
}

/**
 * Each tile-part says of which tile it is and how long (A.4.2, Isot and Psot). The decoders show a frame that was cut off,
 * or has not all of its tiles, with nothing where data are missing.
 */
function checkTileParts(bytes: Uint8Array, firstTilePart: number, tiles: number): void {
  const seen = new Set<number>();
  for (let at = firstTilePart; at + 2 <= bytes.length && u16(bytes, at) === 0xff90;) {
    seen.add(u16(bytes, at + 4));
    const length = u32(bytes, at + 6);
    if (length === 0) break; // The last one, which goes on to the end.
    if (length < 14)
      throw new ImageError('malformed', `The JPEG 2000 tile-part at byte ${at} is ${length} bytes long.`);
    at += length;
    if (at > bytes.length) {
      throw new ImageError(
        'truncated',
        `The JPEG 2000 frame has ${bytes.length} bytes; a tile-part in it ends at byte ${at}.`,
      );
    }
  }
  if (seen.size !== tiles) {
    throw new ImageError('truncated', `The JPEG 2000 frame has ${seen.size} of its ${tiles} tiles.`);
  }
}
