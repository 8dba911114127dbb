import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { type AppName, CONFIG, type Config } from '#libs/config';
import { DataSource, query } from '#libs/database';
import { HANDLED_APPS, type Job, OnJob } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';
import { ModelRuntime } from '../runtime/model-runtime.js';
import { ModelRegistry } from './model-registry.js';

/**
 * Opens networks before a study needs them: of models that were just put in force or for which a study is coming in, and at the start
 * where that is wanted. A suite that analyses nothing starts no process for it.
 */
@Injectable()
export class WarmUp implements OnApplicationBootstrap {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HANDLED_APPS) private readonly apps: readonly AppName[],
    private readonly dataSource: DataSource,
    private readonly models: ModelRegistry,
    private readonly runtime: ModelRuntime,
  ) {}

  onApplicationBootstrap(): void {
    if (this.config.modelWarmUp === 'start' && this.apps.includes('inference')) void this.openAll();
  }

  @OnJob('warm-up-model')
  async run({ payload }: Job<'warm-up-model'>): Promise<void> {
    if (this.config.modelWarmUp !== 'off') await this.open(payload);
  }

  /** One after the other, beside what the start has to do. Which of them stay open is the memory's matter. */
  private async openAll(): Promise<void> {
    const inForce = await query<Job<'warm-up-model'>['payload'] & object>(
      this.dataSource,
      'select model_id as "modelId", version, sha256 from model where is_current order by model_id',
    );
    for (const model of inForce) await this.open(model);
  }

  /** What is wrong with a network is the matter of the first study, which tells. */
  private async open({ modelId, version, sha256 }: Job<'warm-up-model'>['payload']): Promise<void> {
    const started = performance.now();
    try {
      await this.runtime.warmUp(await this.models.find(modelId, version, sha256));
      this.logger.info(
        { model: `${modelId} ${version}`, milliseconds: Math.round(performance.now() - started) },
        'open',
      );
    } catch (error) {
      this.logger.warn({ err: error, model: `${modelId} ${version}` }, 'a model could not be opened beforehand');
    }
  }
}
