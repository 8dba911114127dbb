import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, type Transaction, transaction } from '#libs/database';
import { Health, LOGGER, type Logger } from '#libs/telemetry';
import { loadModel, loadModels } from '../models/load-models.js';
import { ModelError } from '../models/model-error.js';
import type { Model } from '../models/model.js';
import {
  fetchFiles,
  getModel,
  insertModel,
  lockModels,
  settleCurrent,
  usedDigest,
} from '../models/packages/model-repository.js';
import { ModelRuntime } from '../runtime/model-runtime.js';

/**
 * The models of this worker: those of its folder, told to the rest of the suite through the table `model`, and uploaded ones, which
 * are brought here from the database when a task first asks for one.
 */
@Injectable()
export class ModelRegistry implements OnModuleInit {
  /** By digest: a version's bytes never change. */
  private readonly models = new Map<string, Promise<Model>>();
  private count = 0;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly dataSource: DataSource,
    private readonly health: Health,
    private readonly runtime: ModelRuntime,
  ) {}

  async onModuleInit(): Promise<void> {
    const models = await loadModels(this.config.modelsDir);
    await transaction(this.dataSource, (tx) => register(tx, models));
    for (const model of models) this.models.set(keyOf(model.id, model.version, model.sha256), Promise.resolve(model));
    this.count = models.length;
    this.logger.info({ models: models.map((model) => `${model.id} ${model.version}`) }, 'models');
    this.health.register('models', async () => ({
      count: this.count,
      executionProviders: this.config.executionProviders,
      used: this.runtime.used(),
    }));
  }

  /**
   * @param sha256 Of the version, as the workitem names it.
   * @throws Error when this worker does not have exactly that model: another one may, and the job is tried again
   */
  async find(id: string, version: string, sha256: string | undefined): Promise<Model> {
    if (sha256 !== undefined) {
      const known = this.models.get(keyOf(id, version, sha256));
      if (known) return known;
    }
    const row = await getModel(this.dataSource, id, version);
    const wanted = sha256 ?? row?.sha256;
    if (wanted === undefined) throw new Error(`There is no model ${id} ${version}`);
    const key = keyOf(id, version, wanted);
    const known = this.models.get(key);
    if (known) return known;
    if (row?.source !== 'upload')
      throw new Error(`This worker has no model ${id} ${version} with SHA-256 ${wanted} in ${this.config.modelsDir}`);
    if (row.sha256 !== wanted)
      throw new Error(`Model ${id} ${version} has SHA-256 ${row.sha256}; the workitem asks for ${wanted}`);
    const fetching = this.fetch(id, version, wanted);
    this.models.set(key, fetching);
    // A failure is not kept: the next task tries again.
    fetching.catch(() => this.models.delete(key));
    return fetching;
  }

  /** Whole or not at all in its place; its bytes are those whose digest was asked for. */
  private async fetch(id: string, version: string, sha256: string): Promise<Model> {
    const root = path.join(this.config.dataDir, 'models', sha256);
    const place = path.join(root, id, version);
    const kept = await loadModel(place).catch(() => undefined);
    if (kept?.sha256 === sha256) return kept;
    const work = path.join(this.config.dataDir, 'models', `fetching-${process.pid}-${sha256}`, id, version);
    await mkdir(work, { recursive: true });
    await mkdir(path.dirname(place), { recursive: true });
    if (!(await fetchFiles(this.dataSource, id, version, work)))
      throw new Error(`The files of model ${id} ${version} are not in the database`);
    const model = await loadModel(work);
    if (model.sha256 !== sha256)
      throw new ModelError(
        'altered-model',
        `The files of ${id} ${version} in the database have SHA-256 ${model.sha256}, not ${sha256}.`,
      );
    // Another process with the same data folder may have been quicker.
    await rename(work, place).catch(async (error: Error) => {
      const other = await loadModel(place).catch(() => undefined);
      if (other?.sha256 === sha256) return;
      throw error;
    });
    await rm(path.join(this.config.dataDir, 'models', `fetching-${process.pid}-${sha256}`), {
      recursive: true,
      force: true,
    });
    return { ...model, directory: place };
  }
}

function keyOf(id: string, version: string, sha256: string): string {
  return `${id} ${version} ${sha256}`;
}

/** A registered version never changes its bytes: results name them by version and digest. */
async function register(tx: Transaction, models: Model[]): Promise<void> {
  await lockModels(tx);
  for (const model of models) {
    const known = await usedDigest(tx, model.id, model.version);
    if (known !== undefined && known !== model.sha256) {
      throw new Error(
        `${model.directory} is not the ${model.id} ${model.version} that was registered before (SHA-256 ${known}, here ${model.sha256}; model.json counts too): give the changed model a new version.`,
      );
    }
    await insertModel(tx, model, 'folder', model.manifest, null);
  }
  for (const id of new Set(models.map((model) => model.id))) await settleCurrent(tx, id);
}
