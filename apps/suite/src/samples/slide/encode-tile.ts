import { explicitLittleEndian } from '#libs/dicom';
import { describeFrame, renderFrame } from '#libs/images';
import { toDicomJson } from '../sample-dataset.js';

/** A baseline JPEG of one tile (ISO 10918-1), its colours in full resolution. */
export async function encodeTile(rgb: Uint8Array, columns: number, rows: number): Promise<Buffer> {
  const description = toDicomJson({
    SamplesPerPixel: 3,
    PhotometricInterpretation: 'RGB',
    PlanarConfiguration: 0,
    Rows: rows,
    Columns: columns,
    BitsAllocated: 8,
    BitsStored: 8,
    HighBit: 7,
    PixelRepresentation: 0,
  });
  return renderFrame(rgb, describeFrame(description, explicitLittleEndian, 0), { format: 'jpeg', quality: 80 });
}
