import { type DataSource, query } from '#libs/database';
import type { CoercionOptions, DicomJson } from '#libs/dicom';
import { ArchiveError } from '../archive-error.js';
import type { ReceivedInstance } from './receive-part.js';

/**
 * What the archive says of the studies that one request adds to: the word of the first instance, stored or earlier in
 * the request. Where two requests begin a study at once, one of them is only warned of.
 */
export class KeptStudies {
  private readonly studies = new Map<string, DicomJson>();
  /** Asked for, and not in the index. */
  private readonly absent = new Set<string>();

  constructor(private readonly dataSource: DataSource) {}

  /** For one instance. */
  coercion(): CoercionOptions {
    return { kept: (uid) => this.find(uid), modifyingSystem: 'ISOCENTER', now: new Date() };
  }

  /** The first of a study that is not here yet speaks for it. */
  add({ studyInstanceUid, study }: ReceivedInstance): void {
    if (!this.absent.delete(studyInstanceUid)) return;
    this.studies.set(studyInstanceUid, JSON.parse(study.attributes) as DicomJson);
  }

  private async find(studyInstanceUid: string): Promise<DicomJson | undefined> {
    const known = this.studies.get(studyInstanceUid);
    if (known !== undefined) return known;
    const row = await this.read(studyInstanceUid);
    if (row === undefined) {
      this.absent.add(studyInstanceUid);
      return undefined;
    }
    const kept = JSON.parse(row.attributes) as DicomJson;
    this.studies.set(studyInstanceUid, kept);
    return kept;
  }

  private async read(studyInstanceUid: string): Promise<{ attributes: string } | undefined> {
    const sql = 'select attributes from study where study_instance_uid = $1';
    try {
      const [row] = await query<{ attributes: string }>(this.dataSource.manager, sql, [studyInstanceUid]);
      return row;
    } catch (cause) {
      throw new ArchiveError('archive-unavailable', 'The index cannot be read; nothing was stored', { cause });
    }
  }
}
