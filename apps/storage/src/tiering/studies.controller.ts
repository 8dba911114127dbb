import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { RecallPacks, type Recalled } from '#libs/archive';
import { Access } from '#libs/auth';
import { BlobStores } from '#libs/blobs';
import { DataSource, execute, query, transaction } from '#libs/database';
import { isUid } from '#libs/dicom';
import { JobQueue } from '#libs/jobs';
import { HttpProblem } from '#libs/server';
import { z } from 'zod';
import { orderMove } from './order-move.js';
import { parse } from './policies.controller.js';
import { requireTier } from './require-tier.js';
import { StoreRoom } from './store-room.js';
import { recompressions, tiers } from './tiers.js';

const reason = z.string().max(500).default('');
const pinSchema = z.strictObject({ tier: z.enum(tiers), reason });
const holdSchema = z.strictObject({ reason });
const moveSchema = z.strictObject({ tier: z.enum(tiers), recompress: z.enum(recompressions).optional() });
const priorsSchema = z.strictObject({
  patientId: z.string().min(1).max(64),
  issuerOfPatientId: z.string().max(64).optional(),
  modalities: z.array(z.string().min(1).max(16)).max(100).optional(),
  studiesMax: z.number().int().min(1).max(100).default(10),
});

interface Hold {
  studyInstanceUid: string;
  kind: 'pin' | 'legal-hold';
  tier: string | null;
  reason: string;
  placedAt: string;
}

/** What is asked for a study: where it stays, that it is kept, that it moves or comes back. */
@Controller('api/storage')
@Access('admin')
export class StudiesController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    private readonly jobs: JobQueue,
    private readonly recalls: RecallPacks,
    private readonly room: StoreRoom,
  ) {}

  /** Pins and legal holds, of one study or the first thousand of all. */
  @Get('holds')
  async holds(@Query('studyInstanceUid') uid: unknown): Promise<{ holds: Hold[] }> {
    const study = uid === undefined ? null : checkUid(uid);
    const holds = await query<Hold>(
      this.dataSource,
      `select study_instance_uid as "studyInstanceUid", kind, tier, reason, placed_at as "placedAt" from study_hold
        where $1::text is null or study_instance_uid = $1 order by placed_at desc, study_instance_uid limit 1000`,
      [study],
    );
    return { holds };
  }

  /** The study goes to that tier, and stays there whatever policies say. */
  @Put('studies/:study/pin')
  @HttpCode(204)
  async pin(@Param('study') study: string, @Body() body: unknown): Promise<void> {
    const pin = parse(pinSchema, body, 'Not a pin');
    await this.place(checkUid(study), 'pin', pin.tier, pin.reason);
    await transaction(this.dataSource, (tx) => this.jobs.send(tx, 'plan-tiering', {}));
  }

  /** The study is not deleted or purged until the hold is lifted; it may go to another tier. */
  @Put('studies/:study/legal-hold')
  @HttpCode(204)
  async holdLegally(@Param('study') study: string, @Body() body: unknown): Promise<void> {
    await this.place(checkUid(study), 'legal-hold', null, parse(holdSchema, body ?? {}, 'Not a hold').reason);
  }

  @Delete('studies/:study/pin')
  @HttpCode(204)
  unpin(@Param('study') study: string): Promise<void> {
    return this.lift(checkUid(study), 'pin');
  }

  @Delete('studies/:study/legal-hold')
  @HttpCode(204)
  liftLegalHold(@Param('study') study: string): Promise<void> {
    return this.lift(checkUid(study), 'legal-hold');
  }

  /** Orders all series of a study to a tier, whatever policies say. */
  @Post('studies/:study/move')
  @HttpCode(202)
  async move(@Param('study') study: string, @Body() body: unknown): Promise<{ series: number; ordered: number }> {
    const { tier, recompress } = parse(moveSchema, body, 'Not a move');
    const series = await query<{ uid: string; bytes: number }>(
      this.dataSource,
      `select se.series_instance_uid as uid, coalesce(sum(i.length), 0)::bigint as bytes
         from study st join series se using (study_key) left join instance i using (series_key)
        where st.study_instance_uid = $1 group by se.series_key, se.series_instance_uid order by se.series_key`,
      [checkUid(study)],
    );
    if (series.length === 0) throw new HttpProblem(404, 'No such study', `There is no study ${study}.`);
    await requireTier(this.room, tier, this.stores.tiers);
    const ordered = await transaction(this.dataSource, async (tx) => {
      let count = 0;
      for (const { uid, bytes } of series) {
        const move = { studyInstanceUid: study, seriesInstanceUid: uid, bytes, to: tier, reason: 'ordered' };
        const ordering = recompress === undefined ? move : { ...move, recompress };
        if (await orderMove(tx, this.jobs, ordering)) count += 1;
      }
      return count;
    });
    return { series: series.length, ordered };
  }

  /** Brings a study back to the hot tier, from an archive class, too: for who is about to read it. */
  @Post('studies/:study/prefetch')
  @HttpCode(202)
  prefetch(@Param('study') study: string): Promise<Recalled> {
    return this.recalls.recallStudy(checkUid(study), 'prefetch');
  }

  /** The same of a patient's latest studies: for a schedule that knows who comes tomorrow. */
  @Post('prefetch-priors')
  @HttpCode(202)
  async prefetchPriors(
    @Body() body: unknown,
  ): Promise<{ studies: { studyInstanceUid: string; recalled: Recalled }[] }> {
    const { patientId, issuerOfPatientId, modalities, studiesMax } = parse(priorsSchema, body, 'Not a patient');
    const patient = { patientId, ...(issuerOfPatientId !== undefined && { issuerOfPatientId }) };
    const studies = await this.recalls.recallPriors(patient, {
      studiesMax,
      ...(modalities !== undefined && { modalities }),
    });
    return { studies };
  }

  private async place(study: string, kind: Hold['kind'], tier: string | null, why: string): Promise<void> {
    await query(
      this.dataSource,
      `insert into study_hold (study_instance_uid, kind, tier, reason) values ($1, $2, $3, $4)
       on conflict on constraint pk_study_hold do update
         set tier = excluded.tier, reason = excluded.reason, placed_at = now()`,
      [study, kind, tier, why],
    );
  }

  private async lift(study: string, kind: Hold['kind']): Promise<void> {
    const lifted = await execute(
      this.dataSource,
      'delete from study_hold where study_instance_uid = $1 and kind = $2',
      [study, kind],
    );
    if (lifted === 0) throw new HttpProblem(404, 'No such hold', `There is no ${kind} on study ${study}.`);
  }
}

function checkUid(given: unknown): string {
  if (typeof given === 'string' && isUid(given)) return given;
  throw new HttpProblem(400, 'Which study?', 'The Study Instance UID is no DICOM UID.');
}
