import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, execute, query, type Transaction, transaction } from '#libs/database';
import { Health, LOGGER, type Logger } from '#libs/telemetry';
import { loadModels } from '../models/load-models.js';
import type { Model } from '../models/model.js';

/** The models of this worker's folder, told to the rest of the suite through the table `model`. */
@Injectable()
export class ModelRegistry implements OnModuleInit {
  private models: Model[] = [];

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly dataSource: DataSource,
    private readonly health: Health,
  ) {}

  async onModuleInit(): Promise<void> {
    this.models = await loadModels(this.config.modelsDir);
    await transaction(this.dataSource, (tx) => register(tx, this.models));
    this.logger.info({ models: this.models.map((model) => `${model.id} ${model.version}`) }, 'models');
    this.health.register('models', async () => ({
      count: this.models.length,
      executionProviders: this.config.executionProviders,
    }));
  }

  /** @throws when this worker does not have exactly that model: another one may, and the job is tried again */
  find(id: string, version: string, sha256: string | undefined): Model {
    const model = this.models.find((candidate) => candidate.id === id && candidate.version === version);
    if (model === undefined) throw new Error(`This worker has no model ${id} ${version} in ${this.config.modelsDir}`);
    if (sha256 !== undefined && model.sha256 !== sha256) {
      throw new Error(`Model ${id} ${version} here has SHA-256 ${model.sha256}; the workitem asks for ${sha256}`);
    }
    return model;
  }
}

/** A registered version never changes its bytes: results name them by version and digest. */
async function register(tx: Transaction, models: Model[]): Promise<void> {
  await query(tx, `select pg_advisory_xact_lock(hashtext('model registry'))`);
  for (const model of models) {
    const [known] = await query<{ sha256: string }>(
      tx,
      'select sha256 from model where model_id = $1 and version = $2',
      [model.id, model.version],
    );
    if (known !== undefined && known.sha256 !== model.sha256) {
      throw new Error(
        `${model.directory}/model.onnx is not the ${model.id} ${model.version} that was registered before (SHA-256 ${known.sha256}): give the changed model a new version.`,
      );
    }
    await query(
      tx,
      `insert into model (model_id, version, specialty, sha256, manifest, is_current) values ($1, $2, $3, $4, $5, false)
       on conflict on constraint pk_model do update set manifest = excluded.manifest`,
      [model.id, model.version, model.specialty, model.sha256, JSON.stringify(model.manifest)],
    );
  }
  for (const id of new Set(models.map((model) => model.id))) {
    const versions = models.filter((model) => model.id === id).map((model) => model.version);
    const current = versions.sort(compareVersions).at(-1);
    await execute(tx, 'update model set is_current = false where model_id = $1 and version <> $2 and is_current', [
      id,
      current,
    ]);
    await execute(tx, 'update model set is_current = true where model_id = $1 and version = $2', [id, current]);
  }
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (const [index, part] of left!.entries()) if (part !== right![index]) return part - right![index]!;
  return 0;
}
