import type { Model } from '../models/model.js';
import type { Tensor, Tensors } from '../pipelines/tensor.js';
import type { Network, NetworkOptions } from './networks.js';

/** What who runs studies asks of the thread that runs networks. `use` numbers one use of one network, from `open` to `close`. */
export type NetworkRequest =
  | { kind: 'open'; use: number; model: Model; options: NetworkOptions }
  | { kind: 'run'; use: number; run: number; input: Tensor; urgency: number }
  | { kind: 'close'; use: number };

export type NetworkDescription = ReturnType<Network['describe']>;

export type NetworkAnswer =
  | { kind: 'opened'; use: number; description: NetworkDescription }
  | { kind: 'not-opened'; use: number; error: ErrorAsSent }
  /** With the input, which belongs to who asked. */
  | { kind: 'answer'; run: number; input: Tensor; outputs: Tensors; description: NetworkDescription }
  | { kind: 'failure'; run: number; input: Tensor; error: ErrorAsSent };

export interface ErrorAsSent {
  message: string;
  code: string | undefined;
}

/** Their memory changes hands, instead of being copied. What is part of something larger is copied after all. */
export function buffersOf(tensors: Iterable<Tensor>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of tensors) {
    const { buffer } = data;
    if (buffer instanceof ArrayBuffer && data.byteLength === buffer.byteLength) buffers.add(buffer);
  }
  return [...buffers];
}
