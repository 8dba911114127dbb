import { hostname } from 'node:os';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource, query, queryPreparedIn, transaction } from '#libs/database';
import { newUid } from '#libs/dicom';
import { type Job, JobQueue, OnJob } from '#libs/jobs';
import { LOGGER, type Logger } from '#libs/telemetry';
import {
  type AiWorkitem,
  claimWorkitem,
  completeWorkitem,
  failWorkitem,
  getWorkitem,
  heartbeatWorkitem,
  releaseSilentWorkitem,
  releaseWorkitem,
} from '#libs/workitems';
import type { Finding, Model } from '../models/model.js';
import { buildSr, type StructuredReport } from '../results/build-sr.js';
import { isChosen, openTrial, recordRun, type Trial } from '../trials/trial-repository.js';
import { AnalyseStudy, type AnalysedStudy } from './analyse-study.js';
import { ModelRegistry } from './model-registry.js';

const heartbeatMilliseconds = 5_000;
/** A performer that said nothing for so long is dead; its workitem may be taken over. */
const silentSecondsMax = 15;

/** Performs AI workitems. Every attempt holds the workitem under a Transaction UID of its own: a late one writes nothing. */
@Injectable()
export class RunInference {
  private readonly performer = `isocenter-inference@${hostname()}:${process.pid}`;

  constructor(
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly dataSource: DataSource,
    private readonly jobs: JobQueue,
    private readonly models: ModelRegistry,
    private readonly study: AnalyseStudy,
  ) {}

  @OnJob('run-inference')
  async run({ payload: { workitemUid }, signal }: Job<'run-inference'>): Promise<void> {
    const transactionUid = newUid();
    const workitem = await this.claim(workitemUid, transactionUid);
    if (workitem === undefined) return;

    const lost = new AbortController();
    const heartbeat = setInterval(() => void this.beat(workitemUid, transactionUid, lost), heartbeatMilliseconds);
    try {
      await this.perform(workitem, transactionUid, AbortSignal.any([signal, lost.signal]));
    } catch (error) {
      await this.release(workitemUid, transactionUid, error);
      throw error;
    } finally {
      clearInterval(heartbeat);
    }
  }

  /** The last attempt failed: the study is shown as such, with the reason; whoever reads it reads it without AI. */
  @OnJob('inference-failed')
  async giveUp({ payload: { workitemUid } }: Job<'inference-failed'>): Promise<void> {
    await transaction(this.dataSource, async (tx) => {
      const workitem = await getWorkitem(tx, workitemUid);
      // Somebody else may have it by now, or have finished it.
      if (workitem?.state !== 'SCHEDULED') return;
      await failWorkitem(tx, workitemUid, workitem.discontinuationReason ?? 'The analysis failed repeatedly');
    });
  }

  private async claim(workitemUid: string, transactionUid: string): Promise<AiWorkitem | undefined> {
    const claimed = await transaction(this.dataSource, async (tx) => {
      const claim = () => claimWorkitem(tx, workitemUid, { transactionUid, performer: this.performer });
      // Seldom somebody has it who may be dead.
      return (await claim()) ?? ((await releaseSilentWorkitem(tx, workitemUid, silentSecondsMax)) && claim());
    });
    if (claimed?.kind === 'ai') return claimed;
    const workitem = claimed ?? (await getWorkitem(this.dataSource, workitemUid));
    if (workitem !== undefined && workitem.kind !== 'ai')
      throw new Error(`Workitem ${workitemUid} is no task for a model`);
    if (workitem?.state === 'IN PROGRESS')
      throw new Error(`${workitem.performer} holds the workitem; looking again later`);
    return undefined; // finished or canceled: nothing left to do
  }

  private async perform(workitem: AiWorkitem, transactionUid: string, signal: AbortSignal): Promise<void> {
    const trial = await this.trialFor(workitem);
    const asked = trial?.mode === 'canary' ? trial : { version: workitem.modelVersion, sha256: workitem.modelSha256 };
    const model = await this.models.find(workitem.modelId, asked.version, asked.sha256);
    await this.study.analyse(model, workitem, signal, async ({ output, sources, archive }) => {
      const report = buildSr({ sources, model, output, inputDigest: workitem.inputDigest });
      // In one request: a report whose segmentation is missing, or the other way round, is never seen.
      await archive.store([...output.objects, { bytes: report.bytes }]);
      await this.complete(workitem, transactionUid, model, { output, sources }, report, trial);
    });
  }

  /** Only where the version in force was asked for: a rule that names another has its reasons. */
  private async trialFor({ modelId, modelSha256, studyInstanceUid }: AiWorkitem): Promise<Trial | undefined> {
    const trial = await openTrial(this.dataSource, modelId);
    if (trial === undefined || trial.sha256 === modelSha256 || !isChosen(studyInstanceUid, trial)) return undefined;
    const [inForce] = await query<{ sha256: string }>(
      this.dataSource,
      'select sha256 from model where model_id = $1 and is_current',
      [modelId],
    );
    return inForce?.sha256 === modelSha256 ? trial : undefined;
  }

  /** One transaction: the workitem is completed and its result is there, or the attempt was too late and nothing is. */
  private async complete(
    workitem: AiWorkitem,
    transactionUid: string,
    model: Model,
    { output, sources }: Pick<AnalysedStudy, 'output' | 'sources'>,
    report: StructuredReport,
    trial: Trial | undefined,
  ): Promise<void> {
    await transaction(this.dataSource, async (tx) => {
      const { studyInstanceUid, inputDigest } = workitem;
      const { seriesInstanceUid, sopClassUid, sopInstanceUid } = report;
      const outputs = [{ seriesInstanceUid, sopClassUid, sopInstanceUid }, ...output.objects].map((object) => ({
        studyInstanceUid,
        seriesInstanceUid: object.seriesInstanceUid,
        instances: [{ sopClassUid: object.sopClassUid, sopInstanceUid: object.sopInstanceUid }],
      }));
      if (!(await completeWorkitem(tx, workitem.uid, transactionUid, outputs))) {
        throw new Error('The workitem was taken over before this attempt ended; its result is dropped');
      }
      await queryPreparedIn(
        tx,
        'insert result',
        `insert into result (result_id, study_key, workitem_uid, model_id, model_version, model_sha256, input_digest,
                             outcome, priority, summary, findings, runtime, report_series_uid, report_sop_instance_uid,
                             started_at, finished_at)
         select gen_random_uuid(), study_key, workitem_uid, $2, $3, $4, input_digest, $5, $6, $7, $8, $9, $10, $11, $12, $13
           from workitem where workitem_uid = $1`,
        [
          workitem.uid,
          model.id,
          model.version,
          model.sha256,
          output.outcome,
          output.priority,
          output.summary,
          JSON.stringify(output.findings.map(asKept)),
          JSON.stringify(output.runtime),
          report.seriesInstanceUid,
          report.sopInstanceUid,
          output.startedAt,
          output.finishedAt,
        ],
      );
      await this.jobs.send(tx, 'result-ready', { workitemUid: workitem.uid });
      await recordRun(tx, {
        role: trial?.mode === 'canary' ? 'canary' : 'current',
        trialKey: trial?.trialKey,
        studyInstanceUid,
        inputDigest,
        model,
        output,
        source: sources[0],
      });
      if (trial?.mode === 'shadow')
        await this.jobs.send(tx, 'run-shadow', { workitemUid: workitem.uid, trialKey: trial.trialKey });
    });
  }

  private async beat(workitemUid: string, transactionUid: string, lost: AbortController): Promise<void> {
    try {
      if (!(await heartbeatWorkitem(this.dataSource, workitemUid, transactionUid))) {
        lost.abort(new Error('The workitem was taken over'));
      }
    } catch (error) {
      // The database is away: the claim may still be ours; completing will tell.
      this.logger.warn({ err: error, workitemUid }, 'no heartbeat');
    }
  }

  private async release(workitemUid: string, transactionUid: string, error: unknown): Promise<void> {
    const reason = error instanceof Error ? error.message : String(error);
    try {
      await transaction(this.dataSource, (tx) => releaseWorkitem(tx, workitemUid, transactionUid, reason));
    } catch (failure) {
      // It will be taken over when its heartbeat is missed.
      this.logger.warn({ err: failure, workitemUid }, 'the workitem could not be released');
    }
  }
}

const sourcesKeptMax = 16;

/**
 * As rows keep it, which worklists read by the hundred: the slices of a volume, named with each number, would be longer than all the
 * rest. The report names them.
 */
function asKept(finding: Finding): Finding {
  return finding.sourceInstances.length <= sourcesKeptMax ? finding : { ...finding, sourceInstances: [] };
}
