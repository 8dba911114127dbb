import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import { ArchiveError, type InstanceRow, OpenInstance } from '#libs/archive';
import { DicomError, toExplicitLittleEndian, transferSyntaxOf } from '#libs/dicom';

export const explicitLittleEndian = '1.2.840.10008.1.2.1';

/** A Part 10 object on its way out. */
export interface TranscodedInstance {
  body: Readable;
  /** Bytes, when known before they are made. */
  length?: number;
}

/** Rewriting is done in memory: what is larger is given as it is stored only. */
const rewrittenBytesMax = 256 * 1024 * 1024;

/** Instances in the transfer syntaxes in which clients may have them. */
@Injectable()
export class TranscodeInstance {
  constructor(private readonly openInstance: OpenInstance) {}

  /**
   * The transfer syntaxes in which this instance can be given, the preferred one first: the stored one if it may be used
   * on the web; for implicit, big endian and deflated ones Explicit VR Little Endian, then the stored one (PS3.18 8.7.3).
   */
  syntaxes(row: InstanceRow): string[] {
    const { transferSyntaxUid } = row;
    return isRewritten(transferSyntaxUid) ? [explicitLittleEndian, transferSyntaxUid] : [transferSyntaxUid];
  }

  /**
   * The instance as a Part 10 object in that syntax, one of {@link syntaxes}.
   * @throws ArchiveError 'frames-not-readable' when it cannot be rewritten; as OpenInstance
   */
  async open(row: InstanceRow, transferSyntaxUid: string): Promise<TranscodedInstance> {
    if (transferSyntaxUid === row.transferSyntaxUid) {
      return { body: await this.openInstance.open(row), length: row.length };
    }
    if (transferSyntaxUid !== explicitLittleEndian || !isRewritten(row.transferSyntaxUid)) {
      throw new ArchiveError(
        'frames-not-readable',
        `Instance ${row.sopInstanceUid} is stored in transfer syntax ${row.transferSyntaxUid} and cannot be given in ${transferSyntaxUid}`,
      );
    }
    const bytes = await this.rewritten(row);
    return { body: Readable.from([bytes], { objectMode: false }), length: bytes.length };
  }

  private async rewritten(row: InstanceRow): Promise<Buffer> {
    if (row.length > rewrittenBytesMax) {
      throw new ArchiveError(
        'frames-not-readable',
        `Instance ${row.sopInstanceUid} has ${row.length} bytes; up to ${rewrittenBytesMax} are rewritten to another transfer syntax`,
      );
    }
    try {
      return toExplicitLittleEndian(await buffer(await this.openInstance.open(row)), rewrittenBytesMax);
    } catch (error) {
      if (!(error instanceof DicomError)) throw error;
      throw new ArchiveError(
        'frames-not-readable',
        `Instance ${row.sopInstanceUid} cannot be rewritten to Explicit VR Little Endian: ${error.message}`,
        { cause: error },
      );
    }
  }
}

function isRewritten(transferSyntaxUid: string): boolean {
  const { implicit, bigEndian, deflated } = transferSyntaxOf(transferSyntaxUid);
  return implicit || bigEndian || deflated;
}
