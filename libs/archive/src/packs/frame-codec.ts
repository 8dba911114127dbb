import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { explicitLittleEndian } from '#libs/dicom';
import type { describeSamples, ImageService, SampleShape } from '#libs/images';
import { ArchiveError } from '../archive-error.js';

/** HTJ2K, lossless only (PS3.5 10.18). */
export const htj2kLossless = '1.2.840.10008.1.2.4.201';

interface Images {
  service: ImageService;
  describe: typeof describeSamples;
}

/** Why a frame is not compressed. Its bytes are stored as they came. */
export class NotCompressible extends Error {
  override readonly name = 'NotCompressible';
}

/** Compresses uncompressed frames without loss, and gives them back byte for byte; in processes of its own. */
@Injectable()
export class FrameCodec implements OnModuleDestroy {
  private loaded: Promise<Images> | undefined;

  async onModuleDestroy(): Promise<void> {
    await (await this.loaded)?.service.close();
  }

  /**
   * @param raw the frame in little endian
   * @returns the codestream, and what it decodes to: with that, {@link decode} was seen to give `raw` again
   * @throws NotCompressible; ArchiveError 'archive-unavailable'
   */
  async encode(raw: Buffer, shape: SampleShape): Promise<{ bytes: Buffer; shape: SampleShape }> {
    const { service, describe } = await this.images();
    try {
      const encoded = await service.transcodeFrame(raw, describe(shape), htj2kLossless);
      const { photometricInterpretation } = encoded;
      const bytes = Buffer.from(encoded.bytes.buffer, encoded.bytes.byteOffset, encoded.bytes.byteLength);
      const stored = { ...shape, transferSyntaxUid: htj2kLossless, photometricInterpretation };
      if (bytes.length >= raw.length) throw new NotCompressible('it would not be smaller');
      const back = await service.transcodeFrame(bytes, describe(stored), explicitLittleEndian);
      if (!raw.equals(back.bytes)) throw new NotCompressible('it would not come back byte for byte');
      return { bytes, shape: stored };
    } catch (error) {
      if (error instanceof NotCompressible) throw error;
      throw isForNow(error) ? unavailable(error) : new NotCompressible((error as Error).message, { cause: error });
    }
  }

  /**
   * @param bytes of the frame as it came
   * @throws ArchiveError 'archive-unavailable'
   */
  async decode(encoded: Uint8Array, shape: SampleShape, bytes: number): Promise<Buffer> {
    try {
      const { service, describe } = await this.images();
      const decoded = await service.transcodeFrame(encoded, describe(shape), explicitLittleEndian);
      if (decoded.bytes.length !== bytes) {
        throw new Error(`The frame has ${decoded.bytes.length} bytes, and had ${bytes} when it came`);
      }
      return Buffer.from(decoded.bytes.buffer, decoded.bytes.byteOffset, decoded.bytes.byteLength);
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** Loaded when it is first needed: most processes never are asked for a compressed frame. */
  private images(): Promise<Images> {
    this.loaded ??= import('#libs/images').then(({ ImageService, describeSamples }) => ({
      service: new ImageService(),
      describe: describeSamples,
    }));
    return this.loaded;
  }
}

function unavailable(cause: unknown): ArchiveError {
  const text = `A frame that is kept compressed cannot be given now: ${(cause as Error).message}`;
  return new ArchiveError('archive-unavailable', text, { cause });
}

const isForNow = (error: unknown): boolean =>
  ['overloaded', 'closed'].includes((error as { code?: string }).code ?? '');
