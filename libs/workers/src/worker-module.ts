import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The file to start for a worker module's URL. Workers run in plain Node, so from .ts sources (in tests) this is the
 * compiled file under dist/, which a build must have made.
 *
 * @throws Error when neither file is there.
 */
export function workerModulePath(module: URL): string {
  const file = fileURLToPath(module);
  if (existsSync(file)) return file;

  const root = packageRoot(path.dirname(file));
  const compiled = path.join(root, 'dist', path.relative(root, file));
  if (existsSync(compiled)) return compiled;
  throw new Error(`The worker module ${file} is not there, nor is ${compiled}. Build first: npm run build.`);
}

function packageRoot(folder: string): string {
  for (let at = folder; ; at = path.dirname(at)) {
    if (existsSync(path.join(at, 'package.json'))) return at;
    if (at === path.dirname(at)) throw new Error(`No package.json in ${folder} or above it.`);
  }
}
