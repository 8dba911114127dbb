// onnxruntime-node over tensors that are ready, one after the other.
import { readFileSync } from 'node:fs';
import ort from 'onnxruntime-node';

/**
 * @param isWarm whether a study goes before those measured
 * @param tensors `{ data, dims }` of one study, as the network takes them
 * @returns seconds of wall clock and of processor that a study takes, and its outputs
 */
export async function bareLoop(network, inputName, tensors, { threads, studies, isWarm }) {
  const session = await ort.InferenceSession.create(readFileSync(network), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  const study = async () => {
    for (const { data, dims } of tensors) await session.run({ [inputName]: new ort.Tensor(data, dims) });
  };
  if (isWarm) await study();
  const started = performance.now();
  const before = process.cpuUsage();
  for (let at = 0; at < studies; at++) await study();
  const used = process.cpuUsage(before);
  const seconds = (performance.now() - started) / 1000 / studies;
  await session.release();
  return { seconds, processor: (used.user + used.system) / 1e6 / studies };
}
