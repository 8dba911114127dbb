// `npm run bench`: measures DICOMweb servers side by side (test/bench). The benchmark is TypeScript that Node 24 runs as
// it is; with an older Node this starts the pinned one, which `npm ci` brings.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const pinned = path.join(root, 'node_modules', '.bin', 'node');

if (Number(process.versions.node.split('.')[0]) < 24) {
  if (!existsSync(pinned))
    spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: 'inherit' });
  const { status } = spawnSync(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  process.exit(status ?? 2);
}

// Sources name each other as they are called once compiled.
module.registerHooks({
  resolve(specifier, context, next) {
    const isOurs = specifier.startsWith('.') && context.parentURL?.endsWith('.ts');
    return next(isOurs ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});

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
