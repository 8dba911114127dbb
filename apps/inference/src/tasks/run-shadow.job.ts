import { Injectable } from '@nestjs/common';
import { DataSource, transaction } from '#libs/database';
import { type Job, OnJob } from '#libs/jobs';
import { getWorkitem } from '#libs/workitems';
import { openTrial, recordRun } from '../trials/trial-repository.js';
import { AnalyseStudy } from './analyse-study.js';
import { ModelRegistry } from './model-registry.js';

/** Runs a version on trial on what the version in force was run on. Nobody is told, and nothing is stored but what it came to. */
@Injectable()
export class RunShadow {
  constructor(
    private readonly dataSource: DataSource,
    private readonly models: ModelRegistry,
    private readonly study: AnalyseStudy,
  ) {}

  @OnJob('run-shadow')
  async run({ payload: { workitemUid, trialKey }, signal }: Job<'run-shadow'>): Promise<void> {
    const workitem = await getWorkitem(this.dataSource, workitemUid);
    if (workitem?.kind !== 'ai') return;
    const trial = await openTrial(this.dataSource, workitem.modelId);
    // It ended, or made way for another, before this study's turn came.
    if (trial?.trialKey !== trialKey) return;
    const { studyInstanceUid, inputDigest } = workitem;
    const model = await this.models.find(trial.modelId, trial.version, trial.sha256);
    // Whatever the study's priority is: nobody waits for this.
    const task = { studyInstanceUid, inputDigest, priority: 'LOW' as const };
    await this.study.analyse(model, task, signal, ({ output, sources: [source] }) =>
      transaction(this.dataSource, (tx) =>
        recordRun(tx, { role: 'shadow', trialKey, studyInstanceUid, inputDigest, model, output, source }),
      ),
    );
  }
}
