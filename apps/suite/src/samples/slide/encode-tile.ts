import sharp from 'sharp';

/** A baseline JPEG of one tile (ISO 10918-1, 4:2:0), as slide scanners write them. */
export async function encodeTile(rgb: Uint8Array, columns: number, rows: number): Promise<Buffer> {
  return sharp(rgb, { raw: { width: columns, height: rows, channels: 3 } })
    .jpeg({ quality: 80, chromaSubsampling: '4:2:0', progressive: false, optimiseCoding: false, mozjpeg: false })
    .toBuffer();
}
