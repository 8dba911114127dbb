import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Readable, Transform } from 'node:stream';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import { DataSource, transaction } from '#libs/database';
import { JobQueue } from '#libs/jobs';
import { WorkerError, WorkerPool } from '#libs/workers';
import { isModelErrorCode, ModelError } from '../model-error.js';
import {
  chooseVersion,
  deleteModel,
  getModel,
  insertModel,
  lockModels,
  type ModelAct,
  type ModelRow,
  openTasks,
  readChanges,
  recordChange,
  settleCurrent,
  storeFile,
  usedDigest,
} from './model-repository.js';
import type { PackageFacts, PackageRequest } from './open-package.js';
import { PackageError } from './package-error.js';

/** Of an archive, and of model.onnx in it: both go to disk as they come, and model.onnx into memory once. */
export const packageBytesMax = 1024 ** 3;
const checkMillisecondsMax = 120_000;
const checkMemoryBytesMax = 4 * 1024 ** 3;

const packageCodes = [
  'invalid-package',
  'package-too-large',
  'version-taken',
  'unknown-model',
  'version-in-use',
] as const;
type PackageCode = (typeof packageCodes)[number];

/** Takes in models as archives, and says which version of each is in force. Every act is recorded in its own transaction. */
@Injectable()
export class ModelPackages implements OnModuleDestroy {
  private readonly checks = new WorkerPool<PackageRequest, PackageFacts>({
    module: new URL('./package-worker.js', import.meta.url),
    name: 'model package',
    size: 1,
    timeoutMilliseconds: checkMillisecondsMax,
    memoryBytesMax: checkMemoryBytesMax,
    queueLengthMax: 8,
    // An administrator uploads seldom: the memory is better elsewhere.
    idleMillisecondsMax: 60_000,
  });

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
  ) {}

  /**
   * Checks an archive and keeps the version it holds: durable when this returns, and not in force until it is activated. The same
   * bytes again are success.
   *
   * @throws PackageError, ModelError 'invalid-model'
   */
  async add(
    body: Readable,
    asked: Pick<PackageRequest, 'named' | 'sha256'>,
    byWhom: string | undefined,
  ): Promise<{ row: ModelRow; isNew: boolean }> {
    const parent = path.join(this.config.dataDir, 'uploads');
    await mkdir(parent, { recursive: true });
    const directory = await mkdtemp(path.join(parent, 'model-'));
    try {
      const zip = path.join(directory, 'archive.zip');
      await spool(body, zip);
      const unpacked = path.join(directory, 'files');
      const facts = await this.check({ ...asked, zip, directory: unpacked, networkBytesMax: packageBytesMax });
      return await this.keep(facts, unpacked, byWhom);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  private async check(request: PackageRequest): Promise<PackageFacts> {
    try {
      return await this.checks.run(request);
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error;
      const { code, remoteCode, message } = error;
      if (code === 'failed' && isPackageCode(remoteCode)) throw new PackageError(remoteCode, message, { cause: error });
      if (code === 'failed' && isModelErrorCode(remoteCode))
        throw new ModelError(remoteCode, message, { cause: error });
      if (code === 'crashed' || code === 'timed-out' || code === 'out-of-memory')
        throw new PackageError('invalid-package', `The network could not be opened: ${message}`, { cause: error });
      throw error;
    }
  }

  private async keep(
    facts: PackageFacts,
    directory: string,
    byWhom: string | undefined,
  ): Promise<{ row: ModelRow; isNew: boolean }> {
    const files = await Promise.all(
      facts.files.map(async (name) => ({ name, bytes: (await stat(path.join(directory, name))).size })),
    );
    const written: unknown = JSON.parse(await readFile(path.join(directory, 'model.json'), 'utf8'));
    return transaction(this.dataSource, async (tx) => {
      await lockModels(tx);
      const known = await getModel(tx, facts.id, facts.version);
      if (known?.sha256 === facts.sha256) return { row: known, isNew: false };
      const used = await usedDigest(tx, facts.id, facts.version);
      if (known !== undefined || (used !== undefined && used !== facts.sha256))
        throw new PackageError(
          'version-taken',
          `${facts.id} ${facts.version} is there with other contents (SHA-256 ${used}); results name it by this number. Give the changed model a new version.`,
        );
      const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
      await insertModel(tx, facts, 'upload', written, bytes);
      for (const { name } of files) await storeFile(tx, facts.id, facts.version, name, path.join(directory, name));
      await recordChange(tx, {
        modelId: facts.id,
        version: facts.version,
        sha256: facts.sha256,
        act: 'uploaded',
        byWhom,
        note: `${bytes} bytes`,
      });
      await settleCurrent(tx, facts.id);
      return { row: (await getModel(tx, facts.id, facts.version))!, isNew: true };
    });
  }

  /** From now on rules that ask for the current version get this one. @throws PackageError 'unknown-model' */
  activate(
    modelId: string,
    version: string,
    byWhom: string | undefined,
    act: ModelAct = 'activated',
  ): Promise<ModelRow> {
    return transaction(this.dataSource, async (tx) => {
      await lockModels(tx);
      const row = await getModel(tx, modelId, version);
      if (!row) throw unknown(modelId, version);
      if (row.isCurrent && act === 'activated') return row;
      await chooseVersion(tx, modelId, version);
      await settleCurrent(tx, modelId);
      await recordChange(tx, { modelId, version, sha256: row.sha256, act, byWhom });
      await this.jobs.send(tx, 'warm-up-model', { modelId, version, sha256: row.sha256 });
      return { ...row, isCurrent: true };
    });
  }

  /** Back to the version that was in force before this one, and is still there. @throws PackageError */
  async rollBack(modelId: string, byWhom: string | undefined): Promise<ModelRow> {
    const acts = (await readChanges(this.dataSource, modelId)).filter(
      ({ act }) => act === 'activated' || act === 'rolled back',
    );
    const [now] = acts;
    if (!now)
      throw new PackageError(
        'unknown-model',
        `No version of ${modelId} was ever activated: there is nothing to go back to.`,
      );
    // Before the first activation the highest version of a folder was in force.
    const candidates = [...acts.slice(1).map(({ version }) => version), ...(await this.folderVersions(modelId))];
    for (const version of candidates) {
      if (version === now.version) continue;
      if (await getModel(this.dataSource, modelId, version))
        return this.activate(modelId, version, byWhom, 'rolled back');
    }
    throw new PackageError('unknown-model', `No earlier version of ${modelId} is left to go back to.`);
  }

  private async folderVersions(modelId: string): Promise<string[]> {
    const rows = await this.dataSource.query<{ version: string }[]>(
      `select version from model where model_id = $1 and source = 'folder' order by registered_at desc`,
      [modelId],
    );
    return rows.map(({ version }) => version);
  }

  /**
   * Takes an uploaded version away. Its results stay, and its number stays taken.
   *
   * @throws PackageError 'version-in-use' when it is in force, tasks wait for it, or it lies in a folder of the worker.
   */
  remove(modelId: string, version: string, byWhom: string | undefined): Promise<void> {
    return transaction(this.dataSource, async (tx) => {
      await lockModels(tx);
      const row = await getModel(tx, modelId, version);
      if (!row) throw unknown(modelId, version);
      if (row.source === 'folder')
        throw new PackageError(
          'version-in-use',
          `${modelId} ${version} lies in the workers' models folder; take it away there.`,
        );
      if (row.isCurrent)
        throw new PackageError('version-in-use', `${modelId} ${version} is in force; activate another version first.`);
      const tasks = await openTasks(tx, modelId, version);
      if (tasks > 0)
        throw new PackageError(
          'version-in-use',
          `${tasks} tasks still ask for ${modelId} ${version}; wait for them, or cancel them.`,
        );
      await deleteModel(tx, modelId, version);
      await recordChange(tx, { modelId, version, sha256: row.sha256, act: 'deleted', byWhom });
    });
  }

  onModuleDestroy(): Promise<void> {
    return this.checks.close();
  }
}

async function spool(body: Readable, to: string): Promise<void> {
  let bytes = 0;
  const bound = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      const error =
        bytes > packageBytesMax
          ? new PackageError('package-too-large', `The archive has more than ${packageBytesMax} bytes.`)
          : null;
      done(error, chunk);
    },
  });
  await pipeline(body, bound, createWriteStream(to, { mode: 0o600 }));
  if (bytes === 0)
    throw new PackageError('invalid-package', 'The body is empty; it is a zip archive with the files of one model.');
}

function unknown(modelId: string, version: string): PackageError {
  return new PackageError('unknown-model', `There is no model ${modelId} ${version}.`);
}

function isPackageCode(code: string | undefined): code is PackageCode {
  return packageCodes.some((one) => one === code);
}
