/** The part of openjphjs that decodes (OpenJPH compiled to WebAssembly, with SIMD). */
declare module '@cornerstonejs/codec-openjph' {
  /** Lives in the module's own memory until it is deleted. */
  export interface HTJ2KDecoder {
    /** Memory for a codestream of so many bytes. */
    getEncodedBuffer(bytes: number): Uint8Array;
    decode(): void;
    /** Samples of a pixel side by side; a view of the module's memory. */
    getDecodedBuffer(): Uint8Array;
    delete(): void;
  }

  export interface OpenJphModule {
    HTJ2KDecoder: new () => HTJ2KDecoder;
  }

  export default function load(options?: {
    print?: (text: string) => void;
    printErr?: (text: string) => void;
  }): Promise<OpenJphModule>;
}
