import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { ArchiveError, type InstanceRow, OpenInstance } from '#libs/archive';
import { DicomError, toExplicitLittleEndian, transferSyntaxOf } from '#libs/dicom';

/** Inflating is done here and now, in memory: what is larger is given as it is stored, and not taken apart. */
const deflatedBytesMax = 32 * 1024 * 1024;
const inflatedBytesMax = 32 * 1024 * 1024;

/** Deflated instances (Deflated Explicit VR Little Endian), whose values and frames have no place in their bytes. */
@Injectable()
export class InflateInstance {
  constructor(private readonly openInstance: OpenInstance) {}

  isDeflated(instance: Pick<InstanceRow, 'transferSyntaxUid'>): boolean {
    return transferSyntaxOf(instance.transferSyntaxUid).deflated;
  }

  /**
   * @returns the same object in Explicit VR Little Endian
   * @throws ArchiveError 'frames-not-readable' above the limits, or for a damaged one
   */
  async inflate(instance: InstanceRow): Promise<Buffer> {
    if (instance.length > deflatedBytesMax) {
      throw new ArchiveError(
        'frames-not-readable',
        `Instance ${instance.sopInstanceUid} is deflated, and with ${instance.length} bytes too large to be taken apart`,
      );
    }
    const bytes = await buffer(await this.openInstance.open(instance));
    try {
      return toExplicitLittleEndian(bytes, inflatedBytesMax);
    } catch (error) {
      if (!(error instanceof DicomError)) throw error;
      throw new ArchiveError(
        'frames-not-readable',
        `Instance ${instance.sopInstanceUid} is deflated and cannot be taken apart: ${error.message}`,
        { cause: error },
      );
    }
  }
}
