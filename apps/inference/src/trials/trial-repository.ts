import { createHash } from 'node:crypto';
import { type DataSource, query, queryPrepared, queryPreparedIn, type Transaction } from '#libs/database';
import { type DicomJson, jsonText } from '#libs/dicom';
import type { Model, ModelOutput } from '../models/model.js';

type Db = DataSource | Transaction;

export type TrialMode = 'shadow' | 'canary';
export type RunRole = 'current' | TrialMode;

export interface Trial {
  trialKey: number;
  modelId: string;
  version: string;
  sha256: string;
  mode: TrialMode;
  /** Of all studies. */
  percent: number;
  startedAt: Date;
  startedBy: string | null;
}

interface TrialRow {
  trial_key: string;
  model_id: string;
  version: string;
  sha256: string;
  mode: TrialMode;
  percent: number;
  started_at: Date;
  started_by: string | null;
}

/** The trial of a model that is under way. */
export async function openTrial(db: DataSource, modelId: string): Promise<Trial | undefined> {
  const [row] = await queryPrepared<TrialRow>(
    db,
    'trial under way',
    `select trial_key, model_id, version, sha256, mode, percent, started_at, started_by
       from model_trial where model_id = $1 and ended_at is null`,
    [modelId],
  );
  return (
    row && {
      trialKey: Number(row.trial_key),
      modelId: row.model_id,
      version: row.version,
      sha256: row.sha256,
      mode: row.mode,
      percent: row.percent,
      startedAt: row.started_at,
      startedBy: row.started_by,
    }
  );
}

/** Ends the trial under way, if any, and begins this one. */
export async function startTrial(
  tx: Transaction,
  trial: Pick<Trial, 'modelId' | 'version' | 'sha256' | 'mode' | 'percent'>,
  byWhom: string | undefined,
): Promise<void> {
  await endTrial(tx, trial.modelId, byWhom);
  await query(
    tx,
    `insert into model_trial (model_id, version, sha256, mode, percent, started_by) values ($1, $2, $3, $4, $5, $6)`,
    [trial.modelId, trial.version, trial.sha256, trial.mode, trial.percent, byWhom ?? null],
  );
}

/** @returns false when there was none */
export async function endTrial(db: Db, modelId: string, byWhom: string | undefined): Promise<boolean> {
  const rows = await query(
    db,
    `update model_trial set ended_at = clock_timestamp(), ended_by = $2
      where model_id = $1 and ended_at is null returning trial_key`,
    [modelId, byWhom ?? null],
  );
  return rows.length > 0;
}

/**
 * Whether a study is among those of a trial: by its UID alone, so that each attempt, each worker and each day says the same, and a
 * greater share holds all studies of a smaller one.
 */
export function isChosen(studyInstanceUid: string, { modelId, percent }: Pick<Trial, 'modelId' | 'percent'>): boolean {
  const digest = createHash('sha256').update(`${modelId} ${studyInstanceUid}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32 < percent / 100;
}

/** Keeps what a run came to. The same run twice is one row. */
export async function recordRun(
  tx: Transaction,
  run: {
    role: RunRole;
    trialKey: number | undefined;
    studyInstanceUid: string;
    inputDigest: string;
    model: Model;
    output: ModelOutput;
    /** Any of the instances the model read. */
    source: DicomJson | undefined;
  },
): Promise<void> {
  const { model, output, source = {} } = run;
  const scores = Object.fromEntries(output.findings.map(({ name, value }) => [name, value]));
  await queryPreparedIn(
    tx,
    'insert model run',
    `insert into model_run (trial_key, role, study_instance_uid, model_id, model_version, model_sha256, input_digest, scanner,
                            site, outcome, priority, scores, execution_provider, milliseconds)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     on conflict on constraint uq_model_run do nothing`,
    [
      run.trialKey ?? null,
      run.role,
      run.studyInstanceUid,
      model.id,
      model.version,
      model.sha256,
      run.inputDigest,
      words(source, ['00080070', '00081090', '00181000']),
      words(source, ['00080080']),
      output.outcome,
      output.priority,
      JSON.stringify(scores),
      output.runtime.executionProvider,
      Math.max(0, Math.round(Date.parse(output.finishedAt) - Date.parse(output.startedAt))),
    ],
  );
}

/** Manufacturer, model and serial number of a device, or the name of an institution; `unknown` where it is not said. */
function words(source: DicomJson, tags: readonly string[]): string {
  const said = tags.map((tag) => jsonText(source, tag)?.trim() ?? '').filter((text) => text !== '');
  return said.join(' ').slice(0, 200) || 'unknown';
}
