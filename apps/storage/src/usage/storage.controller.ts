import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { Access } from '#libs/auth';
import { BlobStores } from '#libs/blobs';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, transaction } from '#libs/database';
import { isUid } from '#libs/dicom';
import { JobQueue } from '#libs/jobs';
import { HttpProblem } from '#libs/server';
import { z } from 'zod';
import { tiers } from '../tiering/tiers.js';
import { readPack } from '../tiering/copies.js';
import { parse } from '../tiering/policies.controller.js';
import { requireTier } from '../tiering/require-tier.js';
import { StoreRoom } from '../tiering/store-room.js';
import { TestStores } from '../tiering/test-stores.js';
import { askForScrub } from '../upkeep/asked-scrub.js';
import { readScrub, type ScrubReport } from '../upkeep/read-scrub.js';
import { type ListedPack, listPacks } from './list-packs.js';
import { type MovesReport, readMoves, readRecalls } from './read-progress.js';
import { readStores, type StoreReport } from './read-stores.js';
import { readUsageByKind, type UsageRow } from './read-usage-by-kind.js';
import { readUsage, type StorageUsage } from './read-usage.js';

const moveSchema = z.strictObject({ tier: z.enum(tiers) });
const scrubSchema = z.strictObject({ olderThanDays: z.number().nonnegative().max(36_500).default(0) });
const packsMax = 1_000;
const listedMax = 200;

/** Where the bytes are, and orders to move them. */
@Controller('api/storage')
@Access('admin')
export class StorageController {
  constructor(
    private readonly dataSource: DataSource,
    private readonly stores: BlobStores,
    private readonly jobs: JobQueue,
    private readonly room: StoreRoom,
    private readonly tests: TestStores,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Get()
  usage(): Promise<StorageUsage> {
    return readUsage(this.dataSource, this.stores, this.config.dataDir);
  }

  /** By tier, modality and the month in which it came. */
  @Get('usage')
  async usageByKind(): Promise<{ usage: UsageRow[] }> {
    return { usage: await readUsageByKind(this.dataSource) };
  }

  /** The packs of a study; the first thousand. */
  @Get('packs')
  async packs(@Query('studyInstanceUid') studyInstanceUid: unknown): Promise<ListedPack[]> {
    if (typeof studyInstanceUid !== 'string' || !isUid(studyInstanceUid)) {
      throw new HttpProblem(400, 'Which study?', 'Give studyInstanceUid once, a DICOM UID.');
    }
    return listPacks(this.dataSource, studyInstanceUid, packsMax);
  }

  /** The stores: what they can do, what was switched off, whether they work. */
  @Get('stores')
  async listStores(): Promise<{ stores: StoreReport[] }> {
    return { stores: await readStores(this.stores, this.room, this.tests) };
  }

  /** How far moves have come, and the latest of them. */
  @Get('moves')
  moves(): Promise<MovesReport> {
    return readMoves(this.dataSource, listedMax);
  }

  /** What is being brought back from archive classes. */
  @Get('recalls')
  recalls(): ReturnType<typeof readRecalls> {
    return readRecalls(this.dataSource, listedMax);
  }

  /** How far comparing the digests of all copies has come, and what is damaged. */
  @Get('scrub')
  scrub(): Promise<ScrubReport> {
    return readScrub(this.dataSource, this.config);
  }

  /** Compares digests now: of copies that were not compared since so many days, or of all. */
  @Post('scrub')
  @HttpCode(202)
  async startScrub(@Body() body: unknown): Promise<void> {
    const payload = parse(scrubSchema, body ?? {}, 'Not a scrub');
    await transaction(this.dataSource, async (tx) => {
      await askForScrub(tx, payload.olderThanDays);
      await this.jobs.send(tx, 'scrub', payload);
    });
  }

  /** Looks now for series that belong on another tier. */
  @Post('plan')
  @HttpCode(202)
  async plan(): Promise<void> {
    await transaction(this.dataSource, (tx) => this.jobs.send(tx, 'plan-tiering', {}));
  }

  /** Deletes now what is past its grace. */
  @Post('collect-garbage')
  @HttpCode(202)
  async collectGarbage(): Promise<void> {
    await transaction(this.dataSource, (tx) => this.jobs.send(tx, 'collect-garbage', {}));
  }

  /** Orders one pack to a tier, whatever the policy says. To a warmer one it is a copy, and the colder one stays. */
  @Post('packs/:packId/move')
  @HttpCode(202)
  async move(@Param('packId') packId: string, @Body() body: unknown): Promise<void> {
    const parsed = moveSchema.safeParse(body);
    if (!parsed.success) {
      throw new HttpProblem(400, 'Not a move', `The body is {"tier": "${tiers.join('" | "')}"} and nothing else.`);
    }
    const { tier } = parsed.data;
    await requireTier(this.room, tier, this.stores.tiers);
    if (!z.uuid().safeParse(packId).success || (await readPack(this.dataSource, packId)) === undefined) {
      throw new HttpProblem(404, 'No such pack', 'There is no pack with the id in the path.');
    }
    await transaction(this.dataSource, (tx) => this.jobs.send(tx, 'move-pack', { packId, tier }));
  }
}
