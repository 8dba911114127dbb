import type { Batch } from '../batch.js';
import type { InputFacts } from '../reducer.js';

/**
 * An input ready for the network, batch by batch: a batch is made when it is asked for and may be dropped after. Tensors are in the
 * usual layout (NCT, NCHW, NCDHW), float32.
 */
export interface Prepared {
  facts: InputFacts;
  /** Numbers the postprocessing may use. */
  numbers: Record<string, number>;
  batches: AsyncIterable<Batch>;
}
