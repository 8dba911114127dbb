import type { Spool, SpooledBytes } from './spool.js';

const signature = Buffer.from('0000000c6a5020200d0a870a', 'hex');
const boxesMax = 1000;

/**
 * The codestream alone: in DICOM a frame is without the boxes of a JP2 or JPH file around it (PS3.5 A.4.4), and as bulk
 * data `image/jp2` has them. What is no such file is given as it is.
 */
export async function codestreamOf(part: SpooledBytes, spool: Spool): Promise<SpooledBytes> {
  if (part.bytes < signature.length) return part;
  const start = await spool.peek({ offset: part.offset, bytes: signature.length });
  if (!start.equals(signature)) return part;
  const end = part.offset + part.bytes;
  let at = part.offset;
  // A box is a length, a type, and for length 1 a longer length (ISO/IEC 15444-1 I.4); 0 is up to the end.
  for (let boxes = 0; boxes < boxesMax && at + 16 <= end; boxes += 1) {
    const header = await spool.peek({ offset: at, bytes: 16 });
    const short = header.readUInt32BE(0);
    const length = short === 1 ? Number(header.readBigUInt64BE(8)) : short === 0 ? end - at : short;
    const headerBytes = short === 1 ? 16 : 8;
    if (length < headerBytes || at + length > end) break;
    if (header.toString('latin1', 4, 8) === 'jp2c') {
      return { offset: at + headerBytes, bytes: length - headerBytes };
    }
    at += length;
  }
  return part;
}
