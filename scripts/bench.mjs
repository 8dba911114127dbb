// `npm run bench`: measures DICOMweb servers side by side (test/bench).
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { root } from './typescript.mjs';

const [first, ...rest] = process.argv.slice(2);
const isLoad = first === 'load';
if (isLoad) {
  // The one command that needs the database library, which is compiled first.
  const { status } = spawnSync(process.execPath, [path.join(root, 'scripts', 'run.mjs'), 'build'], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 2);
}
const command = isLoad ? 'load-command.ts' : 'command.ts';
const { main } = await import(new URL(`../test/bench/${command}`, import.meta.url).href);
process.exitCode = await main(isLoad ? rest : process.argv.slice(2));
