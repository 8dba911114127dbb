/** Values in row-major order. */
export interface Tensor {
  data: Float32Array | Uint8Array | Int32Array;
  dims: readonly number[];
}

/** Tensors by the names model.json gives them: the network's input and its outputs. */
export type Tensors = Readonly<Record<string, Tensor>>;

export function tensorNamed(tensors: Tensors, name: string): Tensor {
  const tensor = tensors[name];
  if (!tensor) throw new Error(`No tensor named "${name}"; the manifest's names were not checked.`);
  return tensor;
}
