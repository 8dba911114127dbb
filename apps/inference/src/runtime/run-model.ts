import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { FetchedInput, Model, ModelOutput } from '../models/model.js';
import { ModelError } from '../models/model-error.js';
import { readNetwork } from '../models/read-network.js';
import { runPipeline } from '../pipelines/run-pipeline.js';
import { makeObjects } from '../results/make-objects.js';
import { openSession, type Session, type SessionOptions } from './open-session.js';

/** Sessions held at once in one process; the one unused longest goes first. */
const sessionsMax = 4;
const sessions = new Map<string, Promise<Session>>();

/**
 * Runs a model on one fetched study, in this process. Sessions are kept by the digest of their bytes.
 *
 * @throws ModelError of any code.
 */
export async function runModel(model: Model, task: FetchedInput, options: SessionOptions): Promise<ModelOutput> {
  const startedAt = new Date().toISOString();
  const session = await sessionOf(model, options);
  const result = await runPipeline(model.manifest, task, session.infer);
  const finished = {
    runtime: { name: 'onnxruntime-node', version: session.version, executionProvider: session.executionProvider },
    startedAt,
    finishedAt: new Date().toISOString(),
  } as const;
  return { ...result.conclusion, ...(await makeObjects(model, task, result, finished)), ...finished };
}

async function sessionOf(model: Model, options: SessionOptions): Promise<Session> {
  const key = `${model.networkSha256} ${model.id} ${model.version} ${options.executionProviders.join(',')} ${options.intraOpThreads}`;
  const opening = sessions.get(key) ?? loadSession(model, options);
  sessions.delete(key);
  sessions.set(key, opening);
  // A failure is not kept: the file may be put right.
  opening.catch(() => sessions.delete(key));
  await dropUnused();
  return opening;
}

async function dropUnused(): Promise<void> {
  const [oldest] = sessions;
  if (!oldest || sessions.size <= sessionsMax) return;
  sessions.delete(oldest[0]);
  await (await oldest[1]).release();
}

/** Reads the bytes once: those whose digest was compared are those that are loaded. */
async function loadSession(model: Model, options: SessionOptions): Promise<Session> {
  const file = path.join(model.directory, 'model.onnx');
  const bytes = await readFile(file).catch((error: Error) => {
    throw new ModelError('invalid-model', `${file} cannot be read: ${error.message}`, { cause: error });
  });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== model.networkSha256) {
    throw new ModelError(
      'altered-model',
      `${file} has SHA-256 ${sha256}, but ${model.id} ${model.version} was registered with ${model.networkSha256}. Restore the file, or register it as a new version.`,
    );
  }
  readNetwork(bytes);
  return openSession(bytes, model.manifest, options);
}
