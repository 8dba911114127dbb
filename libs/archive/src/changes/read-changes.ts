import { Injectable } from '@nestjs/common';
import { DataSource, query } from '#libs/database';
import { ArchiveError } from '../archive-error.js';
import { numberChanges } from './number-changes.js';
import type { ChangeAction } from './record-changes.js';

/** One change of one instance, in the order of the feed. */
export interface Change {
  /** From 1, without gaps. */
  sequence: number;
  studyInstanceUid: string;
  seriesInstanceUid: string;
  sopInstanceUid: string;
  action: ChangeAction;
  changedAt: Date;
  /**
   * Of the version the change is about, now: it is here (current), another one has its UID (replaced), or none has
   * (deleted).
   */
  state: 'current' | 'replaced' | 'deleted';
  /** Of the version that is here now, whichever it is; null when there is none. */
  currentInstanceKey: number | null;
  /** Of its metadata. */
  metadataBytes: number;
}

export interface StoredMetadata {
  text: string;
  transferSyntaxUid: string;
}

export interface ChangeQuery {
  /** Only what has a greater number; undefined: from the oldest that is kept. */
  after?: number;
  /** First changed_at wanted. */
  from?: Date;
  /** First changed_at not wanted any more. */
  to?: Date;
  /** Of what fits, so many are passed over. */
  skip?: number;
  limit: number;
}

/** What was asked for lies before the feed's beginning. */
export class ChangesTrimmedError extends ArchiveError {
  /** @param oldest the smallest number that is kept, or will be given next */
  constructor(readonly oldest: number) {
    super(
      'changes-trimmed',
      `Changes before ${oldest} are not kept any more: read the archive anew by QIDO-RS, and follow the feed from there`,
    );
  }
}

const selection = `
  c.sequence, c.study_instance_uid as "studyInstanceUid", c.series_instance_uid as "seriesInstanceUid",
  c.sop_instance_uid as "sopInstanceUid", c.action, c.changed_at as "changedAt",
  case when i.instance_key is null then 'deleted' when i.instance_key = c.instance_key then 'current' else 'replaced' end
    as state,
  i.instance_key as "currentInstanceKey", coalesce(octet_length(i.dicom_json), 0) as "metadataBytes"`;

/** The feed of changes: in order, each exactly once, for whoever asks with the last number it has seen. */
@Injectable()
export class ReadChanges {
  constructor(private readonly dataSource: DataSource) {}

  /** @throws ChangesTrimmedError when some of the changes after `after` are not kept any more */
  async read({ after, from, to, skip = 0, limit }: ChangeQuery): Promise<Change[]> {
    await numberChanges(this.dataSource);
    const changes = await query<Change>(
      this.dataSource,
      `select ${selection}
         from (select * from change
                where sequence > $1 and ($2::timestamptz is null or changed_at >= $2)
                  and ($3::timestamptz is null or changed_at < $3)
                order by sequence limit $4 offset $5) c
         left join instance i using (sop_instance_uid)
        order by c.sequence`,
      [after ?? 0, from ?? null, to ?? null, limit, skip],
    );
    // After the reading: what was trimmed between the two is seen.
    if (after !== undefined) await this.refuseTrimmed(after);
    return changes;
  }

  /** The newest change. @returns undefined when there has been none, or none is kept */
  async latest(): Promise<Change | undefined> {
    await numberChanges(this.dataSource);
    const [change] = await query<Change>(
      this.dataSource,
      `select ${selection}
         from (select * from change where sequence is not null order by sequence desc limit 1) c
         left join instance i using (sop_instance_uid)`,
    );
    return change;
  }

  /** Metadata of the versions that are here, by instance key: DICOM JSON as it is stored. */
  async metadata(instanceKeys: readonly number[]): Promise<Map<number, StoredMetadata>> {
    const rows = await query<StoredMetadata & { instanceKey: number }>(
      this.dataSource,
      `select instance_key as "instanceKey", dicom_json as text, transfer_syntax_uid as "transferSyntaxUid"
         from instance where instance_key = any($1)`,
      [instanceKeys],
    );
    return new Map(rows.map((row) => [row.instanceKey, row]));
  }

  private async refuseTrimmed(after: number): Promise<void> {
    const [feed] = await query<{ trimmed_through: number }>(this.dataSource, 'select trimmed_through from change_feed');
    const trimmedThrough = feed?.trimmed_through ?? 0;
    if (after >= trimmedThrough) return;
    throw new ChangesTrimmedError(trimmedThrough + 1);
  }
}
