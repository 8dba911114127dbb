import { Inject, Injectable } from '@nestjs/common';
import { BlobStores } from '#libs/blobs';
import { DataSource } from '#libs/database';
import { type Job, OnJob } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';
import { isBackedUpNow } from '../backup/backup-lock.js';
import { deleteEmptied } from './delete-emptied.js';
import { Failures } from './failures.js';

/** Takes the bytes of what somebody has purged, without waiting for the collector's hour. */
@Injectable()
export class DeleteEmptiedJob {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @OnJob('delete-emptied-packs')
  async handle({ signal }: Pick<Job<'delete-emptied-packs'>, 'signal'>): Promise<void> {
    // The collector finds them later.
    if (await isBackedUpNow(this.dataSource)) return;
    const failures = new Failures(this.logger, signal);
    const emptied = await deleteEmptied(this.dataSource, this.stores, failures, signal);
    failures.throwAny();
    this.logger.info({ emptied }, 'emptied packs deleted');
  }
}
