// What runs the TypeScript of test/ as it is: Node 24 does. With an older Node the command is started once more with the
// pinned one, which `npm ci` brings.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const pinned = path.join(root, 'node_modules', '.bin', 'node');

if (Number(process.versions.node.split('.')[0]) < 24) {
  if (!existsSync(pinned))
    spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: 'inherit' });
  const { status } = spawnSync(pinned, process.argv.slice(1), { stdio: 'inherit' });
  process.exit(status ?? 2);
}

// Sources name each other as they are called once compiled.
module.registerHooks({
  resolve(specifier, context, next) {
    const isOurs = specifier.startsWith('.') && context.parentURL?.endsWith('.ts');
    return next(isOurs ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
});
