/** charlsjs (CharLS compiled to WebAssembly). */
declare module '@cornerstonejs/codec-charls/wasmjs' {
  /** Lives in the module's own memory until it is deleted. */
  export interface JpegLSEncoder {
    /** Memory for the samples of a frame, those of a pixel side by side. */
    getDecodedBuffer(frame: {
      width: number;
      height: number;
      bitsPerSample: number;
      componentCount: number;
      isSigned: boolean;
    }): Uint8Array;
    /** The greatest difference; 0 without loss. */
    setNearLossless(difference: number): void;
    /** ISO/IEC 14495-1 C.2.3: 0 by component, 1 by line, 2 by sample. */
    setInterleaveMode(mode: 0 | 1 | 2): void;
    encode(): void;
    /** A view of the module's memory. */
    getEncodedBuffer(): Uint8Array;
    delete(): void;
  }

  export default function load(options: import('./codec-module.js').ModuleOptions): Promise<{
    JpegLSDecoder: new () => import('./codec-module.js').ModuleDecoder;
    JpegLSEncoder: new () => JpegLSEncoder;
  }>;
}
