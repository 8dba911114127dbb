import type { ReadState } from './read-dataset.js';

export function newReadState(): ReadState {
  return { dataset: {}, pixelData: undefined, extendedOffsets: undefined, isInflated: false };
}
