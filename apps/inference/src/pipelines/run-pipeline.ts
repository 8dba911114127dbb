import type { ModelManifest } from '../models/manifest.js';
import type { FetchedInput } from '../models/model.js';
import type { Batch } from './batch.js';
import { checkOutputs } from './check-outputs.js';
import { conclude, type Conclusion } from './conclude.js';
import { prepareInput } from './inputs/prepare-input.js';
import { layoutOf, toLayout } from './layout.js';
import type { InputFacts, StepContext } from './reducer.js';
import { startStep } from './steps/start-step.js';
import type { Tensor, Tensors } from './tensor.js';
import { Values } from './values.js';

/**
 * Runs the network on one batch; this is all that the pipeline knows of it. The tensor has the layout model.json gives its input, the
 * answer one tensor for each of its outputs, with as many items along N. It is called for the next batch before it has answered for
 * the one before, never for more, and answers may come in any order: whoever implements it may wait, to fill a batch with those of
 * other studies. It owns the tensor until it answers. What it throws ends the run.
 */
export type Infer = (input: Tensor) => Promise<Tensors>;

/** What a run comes to: the conclusion, and the values the result objects are made of. */
export interface PipelineResult {
  conclusion: Conclusion;
  values: Values;
  facts: InputFacts;
}

/**
 * The whole way of one study through one model: prepare a batch, run the network on it, hand its outputs to the steps; after the
 * last batch the steps give their values, and these the conclusion. While the network is at one batch the next is prepared.
 *
 * @param itemsMax of a batch, where model.json allows more
 * @throws ModelError 'invalid-input' or 'invalid-output'; whatever `infer` throws.
 */
export async function runPipeline(
  manifest: ModelManifest,
  task: FetchedInput,
  infer: Infer,
  itemsMax = Infinity,
): Promise<PipelineResult> {
  const prepared = await prepareInput(manifest, task, itemsMax);
  const context: StepContext = {
    facts: prepared.facts,
    labels: manifest.labels,
    layouts: layoutsOf(manifest),
    directory: task.directory,
  };
  const steps = manifest.postprocessing.map((step) => startStep(step, context));
  const take = (batch: Batch, outputs: Tensors) => {
    let tensors = checkOutputs(manifest, batch.tensor, outputs);
    for (const step of steps) {
      const made = step.take?.(tensors, batch);
      if (made) tensors = { ...tensors, ...made };
    }
  };

  let running: { batch: Batch; outputs: Promise<Tensors> } | undefined;
  try {
    for await (const { tensor, places } of prepared.batches) {
      const batch = { tensor: toNetwork(tensor, manifest), places };
      const next = { batch, outputs: infer(batch.tensor) };
      // Should preparing the one after fail, this answer is nobody's.
      next.outputs.catch(() => undefined);
      const before = running;
      running = next;
      if (before) take(before.batch, await before.outputs);
    }
    if (running) take(running.batch, await running.outputs);
  } finally {
    await running?.outputs.catch(() => undefined);
  }
  const values = new Values(prepared.numbers);
  for (const step of steps) await step.finish?.(values);
  return { conclusion: conclude(manifest, task.input, values), values, facts: prepared.facts };
}

function toNetwork(tensor: Tensor, { inputs: [described] }: ModelManifest): Tensor {
  const usual = layoutOf({ shape: [...tensor.dims] });
  const laid = toLayout(tensor, usual, layoutOf(described));
  if (described.dtype !== 'uint8' || laid.data instanceof Uint8Array) return laid;
  // Clamped and rounded, as samples of pictures are.
  return { data: new Uint8Array(Uint8ClampedArray.from(laid.data).buffer), dims: laid.dims };
}

/** By name, of the network's tensors; steps that make tensors add theirs. */
function layoutsOf(manifest: ModelManifest): Map<string, string> {
  return new Map([...manifest.inputs, ...manifest.outputs].map((tensor) => [tensor.name, layoutOf(tensor)]));
}
