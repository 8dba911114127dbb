import { Injectable } from '@nestjs/common';
import { BlobStores } from '#libs/blobs';
import { DataSource, query, transaction } from '#libs/database';
import { JobQueue } from '#libs/jobs';
import { ArchiveError } from '../archive-error.js';

/** Who asks again within this time is not written down again. */
const repeatMilliseconds = 5_000;
const rememberedMax = 10_000;

export interface Recalled {
  /** Packs that were ordered back. */
  ordered: number;
  /** Those that were on their way already. */
  underWay: number;
  /** Those that are where they can be read at once. */
  near: number;
  bytes: number;
}

/** Orders packs back from tiers that cannot be read at once, one order a pack however many ask. */
@Injectable()
export class RecallPacks {
  private readonly requestedAt = new Map<string, number>();

  constructor(
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
    private readonly stores: BlobStores,
  ) {}

  /** @returns whether it was ordered now; false when it is on its way already */
  async request(packId: string, tier: 'hot' | 'warm', reason: string): Promise<boolean> {
    const now = Date.now();
    const before = this.requestedAt.get(packId);
    if (before !== undefined && now - before < repeatMilliseconds) return false;
    if (this.requestedAt.size > rememberedMax) this.requestedAt.clear();
    this.requestedAt.set(packId, now);
    return transaction(this.dataSource, async (tx) => {
      const rows = await query(
        tx,
        `insert into pack_recall as r (pack_id, bytes, reason) select pack_id, bytes, $2 from pack where pack_id = $1
         on conflict on constraint pk_pack_recall do update
           set state = 'requested', reason = excluded.reason, error = null, requested_at = now(), updated_at = now(),
               finished_at = null
         where r.state in ('done', 'failed')
         returning pack_id`,
        [packId, reason],
      );
      if (rows.length === 0) return false;
      await this.jobs.send(tx, 'recall-pack', { packId, tier });
      return true;
    });
  }

  /**
   * Brings what lies away from the hot tier of a study, or of one of its series, back to it.
   * @throws ArchiveError 'study-not-found'
   */
  async recallStudy(studyInstanceUid: string, reason: string, seriesInstanceUid?: string): Promise<Recalled> {
    const packs = await query<{ packId: string; bytes: number; isNear: boolean }>(
      this.dataSource,
      `select p.pack_id as "packId", p.bytes,
              exists (select from location l where l.pack_id = p.pack_id and l.state = 'ready' and l.tier = 'hot')
                as "isNear"
         from pack p
        where p.pack_id in (
          select i.pack_id from instance i join series se using (series_key) join study st on st.study_key = i.study_key
           where st.study_instance_uid = $1 and ($2::text is null or se.series_instance_uid = $2))`,
      [studyInstanceUid, seriesInstanceUid ?? null],
    );
    if (packs.length === 0) throw new ArchiveError('study-not-found', `There is no study ${studyInstanceUid}`);
    const recalled: Recalled = { ordered: 0, underWay: 0, near: 0, bytes: 0 };
    for (const { packId, bytes, isNear } of packs) {
      if (isNear) recalled.near += 1;
      else if (await this.request(packId, 'hot', reason)) {
        recalled.ordered += 1;
        recalled.bytes += bytes;
      } else recalled.underWay += 1;
    }
    return recalled;
  }

  /**
   * Orders back the studies of a patient that are away: for who is about to compare with them.
   * @param issuerOfPatientId undefined: of any issuer
   */
  async recallPriors(
    { patientId, issuerOfPatientId }: { patientId: string; issuerOfPatientId?: string },
    { studiesMax = 10, modalities }: { studiesMax?: number; modalities?: readonly string[] } = {},
  ): Promise<{ studyInstanceUid: string; recalled: Recalled }[]> {
    const studies = await query<{ uid: string }>(
      this.dataSource,
      `select study_instance_uid as uid from study
        where patient_id = $1 and ($2::text is null or issuer_of_patient_id = $2)
          and ($3::text[] is null or modalities && $3)
        order by study_date desc nulls last, study_key desc limit $4`,
      [patientId, issuerOfPatientId ?? null, modalities ?? null, studiesMax],
    );
    const recalled = [];
    for (const { uid } of studies) {
      recalled.push({ studyInstanceUid: uid, recalled: await this.recallStudy(uid, 'prior') });
    }
    return recalled;
  }

  /** How long a store takes to give back what it has archived, about. */
  secondsOf(store: string): number {
    return this.stores.named(store).archive?.restoreSeconds ?? 60;
  }
}
