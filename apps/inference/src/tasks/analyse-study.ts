import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#libs/config';
import type { DicomJson } from '#libs/dicom';
import { ModelError, type ModelErrorCode } from '../models/model-error.js';
import { type Model, type ModelInput, type ModelOutput, noDetails, type Priority } from '../models/model.js';
import { selectInput } from '../models/select-input.js';
import { ModelRuntime } from '../runtime/model-runtime.js';
import { ArchiveClient } from './archive-client.js';
import { fetchInput } from './fetch-input.js';

/** Trying again gives the same: it is a result, and not a number. */
const saidOfTheStudy: readonly ModelErrorCode[] = ['invalid-input', 'invalid-output'];

export interface AnalysedStudy {
  output: ModelOutput;
  /** What the model read; the whole study where it can read nothing of it. */
  sources: DicomJson[];
  archive: ArchiveClient;
}

export interface StudyTask {
  studyInstanceUid: string;
  inputDigest: string;
  priority: Priority;
}

/** From a study in the archive to what a model says of it, over DICOMweb. Nothing is stored. */
@Injectable()
export class AnalyseStudy {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly runtime: ModelRuntime,
  ) {}

  /** @param use is given what there is to say; its files are gone when it ends */
  async analyse(
    model: Model,
    task: StudyTask,
    signal: AbortSignal,
    use: (analysed: AnalysedStudy) => Promise<void>,
  ): Promise<void> {
    const archive = new ArchiveClient(this.config.dicomwebUrl ?? '', this.config.apiToken, signal);
    const instances = await archive.studyMetadata(task.studyInstanceUid);
    const startedAt = new Date().toISOString();
    const input = selectInput(model.manifest, instances);
    if ('unsuitable' in input) {
      signal.throwIfAborted();
      return use({ output: this.unsuitable(input.unsuitable, startedAt), sources: instances, archive });
    }
    await this.inTaskFolder(async (directory) => {
      const output = await this.run(model, archive, input, instances, directory, task, signal);
      signal.throwIfAborted();
      await use({ output, sources: input.instances, archive });
    });
  }

  /** What was fetched and cannot be read as the model needs it is no fault of ours: not analysed, with the reason. */
  private async run(
    model: Model,
    archive: ArchiveClient,
    input: ModelInput,
    instances: readonly DicomJson[],
    directory: string,
    { inputDigest, priority }: StudyTask,
    signal: AbortSignal,
  ): Promise<ModelOutput> {
    const startedAt = new Date().toISOString();
    const fetched = await fetchInput(archive, input, instances, directory, inputDigest);
    try {
      return await this.runtime.run(model, fetched, signal, priority);
    } catch (error) {
      if (!(error instanceof ModelError) || !saidOfTheStudy.includes(error.code)) throw error;
      return this.unsuitable(`Not analysed: ${error.message}`, startedAt);
    }
  }

  /** The model cannot read this study: that is a result, with its reason, and not a number. */
  private unsuitable(reason: string, startedAt: string): ModelOutput {
    return {
      outcome: 'inconclusive',
      priority: 'LOW',
      summary: reason,
      findings: [],
      objects: [],
      details: noDetails,
      runtime: this.runtime.describe(),
      startedAt,
      finishedAt: new Date().toISOString(),
    };
  }

  private async inTaskFolder<T>(work: (directory: string) => Promise<T>): Promise<T> {
    const parent = path.join(this.config.dataDir, 'tasks');
    await mkdir(parent, { recursive: true });
    const directory = await mkdtemp(path.join(parent, 'run-'));
    try {
      return await work(directory);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }
}
