import { type FileHandle, open } from 'node:fs/promises';
import { type DicomJson, encodePart10, explicitLittleEndian } from '#libs/dicom';

/** Pixel data that is made as it is written. */
export interface PixelSource {
  readonly bytes: number;
  pieces(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** What there is beside attributes. */
export interface Pixels {
  /** Of the whole; of an encapsulated syntax a source for each frame. */
  pixels: PixelSource | readonly PixelSource[];
  vr?: 'OB' | 'OW';
  /** Explicit VR Little Endian when absent. */
  transferSyntaxUid?: string;
}

/** Writes a Part 10 object to a file; of the pixels only a piece is in memory. @throws DicomError for what cannot be written */
export async function writeObject(path: string, attributes: DicomJson, pixelData?: Pixels): Promise<void> {
  const { pixels = [], vr = 'OB', transferSyntaxUid = explicitLittleEndian } = pixelData ?? {};
  const whole = pixelData ? { ...attributes, '7FE00010': { vr, BulkDataURI: 'pixels' } } : attributes;
  const file = await open(path, 'w', 0o600);
  try {
    const encoded = encodePart10<PixelSource>(whole, {
      transferSyntaxUid,
      bulkData: () => ({ sources: [pixels].flat() }),
    });
    const out = new GatheredWriter(file);
    for (const piece of encoded) {
      if (Buffer.isBuffer(piece)) await out.write(piece);
      else for await (const bytes of piece.pieces()) await out.write(bytes);
    }
    await out.end();
  } finally {
    await file.close();
  }
}

/** Elements are a few bytes each, and each write is a turn of its own: they go by in pieces of this size. */
class GatheredWriter {
  private readonly held = Buffer.allocUnsafe(256 * 1024);
  private length = 0;

  constructor(private readonly file: FileHandle) {}

  /** @param bytes may be used again after */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.length + bytes.length > this.held.length) await this.end();
    if (bytes.length > this.held.length) return writeAll(this.file, bytes);
    this.held.set(bytes, this.length);
    this.length += bytes.length;
  }

  async end(): Promise<void> {
    await writeAll(this.file, this.held.subarray(0, this.length));
    this.length = 0;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length;) from += (await file.write(bytes, from)).bytesWritten;
}
