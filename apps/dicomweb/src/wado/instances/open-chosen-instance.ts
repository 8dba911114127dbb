import type { Readable } from 'node:stream';
import { Inject, Injectable } from '@nestjs/common';
import { ArchiveError, OpenInstance } from '#libs/archive';
import { LOGGER, type Logger } from '#libs/telemetry';
import type { Acceptable } from '../../wire/negotiate-accept.js';
import { TranscodeInstance } from '../transcoding/transcode-instance.js';
import { type ChosenForm, type ChosenInstance, takesStored } from './instance-forms.js';

export interface OpenedInstance {
  body: Readable;
  /** Bytes, when known before they are made. */
  length: number | undefined;
  /** Of the body: not always the one chosen. */
  transferSyntaxUid: string;
}

/** Instances in the transfer syntax that was chosen for them. */
@Injectable()
export class OpenChosenInstance {
  constructor(
    private readonly openInstance: OpenInstance,
    private readonly transcode: TranscodeInstance,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * What proves unreadable when it is decoded or rewritten is given as it is stored, if the client takes that too: to
   * have the instance with damaged pixels is better than to have nothing of a study.
   * @throws ArchiveError 'frames-not-readable' if it does not; as OpenInstance
   */
  async open(
    acceptable: Acceptable,
    form: Pick<ChosenForm, 'mediaType' | 'isMultipart'>,
    { row, transferSyntaxUid }: ChosenInstance,
  ): Promise<OpenedInstance> {
    try {
      const { body, length } = await this.transcode.open(row, transferSyntaxUid);
      return { body, length, transferSyntaxUid };
    } catch (error) {
      const isUnreadable = error instanceof ArchiveError && error.code === 'frames-not-readable';
      if (!isUnreadable || !takesStored(acceptable, form, row)) throw error;
      this.logger.warn(
        { sopInstanceUid: row.sopInstanceUid, err: error },
        'an instance is given as it is stored, since it could not be converted',
      );
      return {
        body: await this.openInstance.open(row),
        length: row.length,
        transferSyntaxUid: row.transferSyntaxUid,
      };
    }
  }
}
