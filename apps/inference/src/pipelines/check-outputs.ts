import type { ModelManifest } from '../models/manifest.js';
import { ModelError } from '../models/model-error.js';
import type { Tensor, Tensors } from './tensor.js';

/**
 * What the network gave for one batch, checked: every output is there, of the shape model.json says, and finite.
 *
 * @returns the outputs and the input by name.
 * @throws ModelError 'invalid-output'.
 */
export function checkOutputs(manifest: ModelManifest, input: Tensor, outputs: Tensors): Tensors {
  const sizes = new Map<string, number>();
  const [described] = manifest.inputs;
  checkShape(described.name, described.shape, input.dims, sizes);
  const checked: Record<string, Tensor> = { [described.name]: input };
  for (const { name, shape } of manifest.outputs) {
    const output = outputs[name];
    if (!output) throw new ModelError('invalid-output', `The network gives no output "${name}".`);
    checkShape(name, shape, output.dims, sizes);
    if (output.data instanceof Float32Array) {
      const at = firstUnreal(output.data);
      if (at !== undefined)
        throw new ModelError(
          'invalid-output',
          `the network answered ${output.data[at]} where a number is needed (output "${name}", element ${at}): nothing it says of this study can be relied on.`,
        );
    }
    checked[name] = output;
  }
  return checked;
}

/** Of every output of every batch: a loop, for a call a value takes ten times as long. */
function firstUnreal(data: Float32Array): number | undefined {
  for (let at = 0; at < data.length; at++) if (!Number.isFinite(data[at])) return at;
  return undefined;
}

function checkShape(
  name: string,
  shape: readonly (number | string)[],
  dims: readonly number[],
  sizes: Map<string, number>,
): void {
  const fits =
    shape.length === dims.length &&
    shape.every((size, index) => {
      const dim = dims[index]!;
      if (typeof size === 'number') return size === dim;
      const known = sizes.get(size) ?? dim;
      sizes.set(size, known);
      return known === dim;
    });
  if (!fits)
    throw new ModelError(
      'invalid-output',
      `"${name}" has shape [${dims.join(', ')}], model.json says [${shape.join(', ')}].`,
    );
}
