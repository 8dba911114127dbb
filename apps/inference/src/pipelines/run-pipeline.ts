import type { ModelManifest } from '../models/manifest.js';
import type { FetchedInput } from '../models/model.js';
import { checkOutputs } from './check-outputs.js';
import { conclude, type Conclusion } from './conclude.js';
import { prepareInput } from './inputs/prepare-input.js';
import { startStep } from './steps/start-step.js';
import type { Tensor, Tensors } from './tensor.js';
import { Values } from './values.js';

/**
 * The whole way of one study through one model: prepare a batch, run the network on it, hand its outputs to the steps; after the
 * last batch the steps give their values, and these the conclusion.
 *
 * @param infer Runs the network on one batch.
 * @throws ModelError 'invalid-input' or 'invalid-output'; whatever `infer` throws.
 */
export async function runPipeline(
  manifest: ModelManifest,
  task: FetchedInput,
  infer: (input: Tensor) => Promise<Tensors>,
): Promise<Conclusion> {
  const prepared = await prepareInput(manifest, task);
  const steps = manifest.postprocessing.map((step) => startStep(step, prepared.facts));
  for await (const batch of prepared.batches) {
    const tensors = checkOutputs(manifest, batch, await infer(batch));
    for (const step of steps) step.take?.(tensors);
  }
  const values = new Values(prepared.numbers);
  for (const step of steps) step.finish(values);
  return conclude(manifest, task.input, values);
}
