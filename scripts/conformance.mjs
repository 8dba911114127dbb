// `npm run conformance`: tries any DICOMweb server on what clients depend on (test/conformance).
import './typescript.mjs';

const { main } = await import(new URL('../test/conformance/command.ts', import.meta.url).href);
process.exitCode = await main(process.argv.slice(2));
