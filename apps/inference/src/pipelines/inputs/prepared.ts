import type { InputFacts } from '../reducer.js';
import type { Tensor } from '../tensor.js';

/** An input ready for the network, batch by batch: a batch is made when it is asked for and may be dropped after. */
export interface Prepared {
  facts: InputFacts;
  /** Numbers the postprocessing may use. */
  numbers: Record<string, number>;
  batches: AsyncIterable<Tensor>;
}
