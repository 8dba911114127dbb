import type { CodestreamHeader } from './codestream-header.js';
import { ImageError } from './image-error.js';

/** A decoder of one of the modules of @cornerstonejs; it lives in the module's own memory until it is deleted. */
export interface ModuleDecoder {
  /** Memory for a codestream of so many bytes. */
  getEncodedBuffer(bytes: number): Uint8Array;
  decode(): void;
  /** Samples; a view of the module's memory. */
  getDecodedBuffer(): Uint8Array;
  delete(): void;
}

export interface ModuleOptions {
  print?: (text: string) => void;
  printErr?: (text: string) => void;
}

/**
 * A codec compiled to WebAssembly by itself (@cornerstonejs/codec-*): loaded when it is first used, and anew when it has
 * failed.
 */
export class CodecModule<Module> {
  private started: Promise<Module> | undefined;

  constructor(private readonly load: (options: ModuleOptions) => Promise<Module>) {}

  /**
   * Decodes a codestream whose header the caller has compared with the dataset.
   *
   * @returns Little endian samples: one byte each up to 8 bits, two above
   * @throws ImageError malformed
   */
  async decode(
    makeDecoder: (module: Module) => ModuleDecoder,
    bytes: Uint8Array,
    { rows, columns, components, precision }: Pick<CodestreamHeader, 'rows' | 'columns' | 'components' | 'precision'>,
  ): Promise<Uint8Array> {
    try {
      return await this.use((module) => {
        // A new one each time: its memory begins empty, whatever was decoded before.
        const decoder = makeDecoder(module);
        decoder.getEncodedBuffer(bytes.length).set(bytes);
        decoder.decode();
        const decoded = decoder.getDecodedBuffer();
        const expected = rows * columns * components * (precision <= 8 ? 1 : 2);
        if (decoded.length !== expected) {
          throw new Error(`the decoder gave ${decoded.length} bytes instead of ${expected}`);
        }
        const samples = decoded.slice();
        decoder.delete();
        return samples;
      });
    } catch (cause) {
      throw new ImageError('malformed', `The compressed frame cannot be decoded: ${reasonOf(cause)}`, { cause });
    }
  }

  /** @throws what the work throws; the module is not used again then, for it was left in the middle of work */
  async use<T>(work: (module: Module) => T): Promise<T> {
    this.started ??= this.load({ print: () => undefined, printErr: () => undefined });
    try {
      return work(await this.started);
    } catch (error) {
      this.started = undefined;
      throw error;
    }
  }
}

/** C++ throws numbers, and WebAssembly "unreachable" where data make no sense. */
export function reasonOf(error: unknown): string {
  const says = error instanceof Error && error.name !== 'RuntimeError';
  return says ? error.message : 'its data make no sense';
}
