/** The part of openjphjs that decodes (OpenJPH compiled to WebAssembly, with SIMD). */
declare module '@cornerstonejs/codec-openjph' {
  export default function load(
    options: import('./codec-module.js').ModuleOptions,
  ): Promise<{ HTJ2KDecoder: new () => import('./codec-module.js').ModuleDecoder }>;
}
