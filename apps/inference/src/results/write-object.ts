import { open } from 'node:fs/promises';
import { type DicomJson, encodePart10, explicitLittleEndian } from '#libs/dicom';

/** Pixel data that is made as it is written. */
export interface PixelSource {
  readonly bytes: number;
  pieces(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Writes a Part 10 object to a file; of the pixels only a piece is in memory. @throws DicomError for what cannot be written */
export async function writeObject(
  path: string,
  attributes: DicomJson,
  pixels: PixelSource | undefined,
  pixelVr: 'OB' | 'OW' = 'OB',
): Promise<void> {
  const whole = pixels ? { ...attributes, '7FE00010': { vr: pixelVr, BulkDataURI: 'pixels' } } : attributes;
  const file = await open(path, 'w', 0o600);
  try {
    const encoded = encodePart10<PixelSource>(whole, {
      transferSyntaxUid: explicitLittleEndian,
      bulkData: () => (pixels ? { sources: [pixels] } : undefined),
    });
    for (const piece of encoded) {
      if (Buffer.isBuffer(piece)) await file.write(piece);
      else for await (const bytes of piece.pieces()) await file.write(bytes);
    }
  } finally {
    await file.close();
  }
}
