import type { ModelManifest } from '../models/manifest.js';
import type { Model } from '../models/model.js';
import { layoutOf } from '../pipelines/layout.js';
import type { Tensor } from '../pipelines/tensor.js';
import type { NetworkOptions, Networks } from './networks.js';
import { trialInput } from './provider-trial.js';

/** After whatever somebody waits for; the device finds out beside it whether the network keeps items apart. */
const leastUrgent = -1;

/**
 * Opens a network and runs it once on a made-up input, so that the first study does not wait for that. It stays open as long as others
 * do; a network whose input has no known size, or a large one, is only opened.
 *
 * @throws ModelError
 */
export function warmUp(model: Model, options: NetworkOptions, networks: Networks): Promise<void> {
  return networks.use(model, options, async (network) => {
    const input = warmUpInput(model.manifest);
    if (input) await network.run(input, leastUrgent);
  });
}

/** @returns undefined where model.json does not tell the size of what the network gets, or it is large */
export function warmUpInput({ input, inputs: [described] }: ModelManifest): Tensor | undefined {
  const sizes = preparedSizes(input);
  const layout = layoutOf(described);
  const shape = described.shape.map((size, axis) => (typeof size === 'number' ? size : (sizes[layout[axis]!] ?? size)));
  return trialInput({ ...described, shape, layout });
}

/** By the letters of a layout: what the last step that says a size says. */
function preparedSizes(input: ModelManifest['input']): Record<string, number> {
  if (input.kind === 'tiles') {
    const side = input.cut && input.cut.size + 2 * input.cut.overlap;
    return side === undefined ? {} : { H: side, W: side };
  }
  let sizes: Record<string, number> = {};
  for (const step of input.preprocessing) {
    if ('rows' in step && 'columns' in step) sizes = { H: step.rows, W: step.columns };
    else if ('samples' in step) sizes = { T: step.samples };
    else if ('sizes' in step) sizes = { D: step.sizes[0], H: step.sizes[1], W: step.sizes[2] };
    else if (step.step === 'crop-to-content' || step.step === 'pad-to-multiple' || step.step === 'resample') sizes = {};
  }
  return sizes;
}
