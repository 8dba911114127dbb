import type { ModelManifest } from './manifest.js';
import type { Network, NetworkTensor } from './read-network.js';

/** What model.json says of the network's tensors against what model.onnx says. @returns what is wrong, each as `<key>: <sentence>` */
export function checkNetwork(manifest: ModelManifest, network: Network): string[] {
  const problems: string[] = [];
  for (const part of ['inputs', 'outputs'] as const) {
    const has = new Map(network[part].map((tensor) => [tensor.name, tensor]));
    const described = manifest[part];
    if (part === 'inputs' && has.size !== 1)
      problems.push(
        `inputs: the network has ${has.size} inputs (${[...has.keys()].join(', ')}); networks with one are taken`,
      );
    described.forEach((tensor, index) => {
      const real = has.get(tensor.name);
      if (!real)
        problems.push(
          `${part}[${index}].name: the network has no ${part.slice(0, -1)} "${tensor.name}"; it has ${[...has.keys()].join(', ')}`,
        );
      else problems.push(...compare(`${part}[${index}]`, tensor, real));
    });
  }
  return problems;
}

function compare(key: string, said: ModelManifest['outputs'][number], real: NetworkTensor): string[] {
  const problems: string[] = [];
  if (said.dtype !== real.dtype) problems.push(`${key}.dtype: is ${said.dtype}, the network's is ${real.dtype}`);
  const { shape } = real;
  if (!shape) return problems;
  const fits =
    shape.length === said.shape.length &&
    shape.every((size, axis) => {
      const own = said.shape[axis]!;
      // A free axis of the network may be said to be of one size; a fixed one is of that size.
      return typeof size === 'string' || own === size;
    });
  if (!fits)
    problems.push(
      `${key}.shape: is [${said.shape.join(', ')}], the network's is [${shape.join(', ')}]; a word stands for a size that is free`,
    );
  return problems;
}
