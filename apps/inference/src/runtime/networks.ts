import type { Model } from '../models/model.js';
import type { Tensor, Tensors } from '../pipelines/tensor.js';
import { Device, type DeviceOptions } from './device.js';
import type { SessionOptions } from './open-session.js';
import { ResidentNetworks } from './resident-networks.js';

export interface NetworkOptions extends SessionOptions, Partial<DeviceOptions> {
  /** Of all networks open in one process. */
  modelBytesMax?: number;
}

/** A network that is open, as who runs studies through it sees it. */
export interface Network {
  /**
   * What runs it, and what was tried before: the first input may show that another provider must. `itemsAtOnce`: so many items of a
   * study are best asked for together, by what items took before; Infinity where it does not matter or is not known.
   */
  describe(): { executionProvider: string; version: string; refusals: readonly string[]; itemsAtOnce: number };
  /**
   * The network's answer to one batch. The tensor must not be read until then.
   *
   * @param urgency greater goes first
   * @throws ModelError
   */
  run(input: Tensor, urgency: number): Promise<Tensors>;
}

/** Opens networks and keeps them open, here or on another thread. */
export interface Networks {
  /** Hands a network to `work`. @throws ModelError; whatever `work` throws */
  use<T>(model: Model, options: NetworkOptions, work: (network: Network) => Promise<T>): Promise<T>;
}

const usual: DeviceOptions = { runsAtOnce: 1, batchItemsMax: 8, batchMillisecondsMax: 50, batchWaitMilliseconds: 5 };
export const modelBytesUsual = 2 * 1024 ** 3;

/** Networks of this thread, which stands still while one of them runs: onnxruntime-node computes where it is called. */
export class LocalNetworks implements Networks {
  /** By the options of who asks first. */
  private residents: ResidentNetworks | undefined;
  private device: Device | undefined;

  use<T>(model: Model, options: NetworkOptions, work: (network: Network) => Promise<T>): Promise<T> {
    this.residents ??= new ResidentNetworks(options.modelBytesMax ?? modelBytesUsual);
    const device = (this.device ??= new Device({ ...usual, ...options }));
    return this.residents.use(model, options, (resident) => {
      const { session } = resident;
      return work({
        describe: () => ({
          executionProvider: session.executionProvider,
          version: session.version,
          refusals: [...session.refusals],
          // Others take little more time for many items than for one.
          itemsAtOnce: session.executionProvider === 'cpu' ? device.itemsAtOnce(resident) : Infinity,
        }),
        run: (input, urgency) => device.run(resident, input, urgency),
      });
    });
  }
}
