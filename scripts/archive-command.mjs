// `npm run backup`, `npm run restore`, `npm run fsck`: commands beside the archive, on what is configured by environment.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const programs = {
  backup: 'dist/apps/storage/src/backup/backup.main.js',
  restore: 'dist/apps/storage/src/backup/restore.main.js',
  fsck: 'dist/apps/storage/src/fsck/fsck.main.js',
};
const [name, ...args] = process.argv.slice(2);
const program = programs[name];
if (program === undefined) {
  console.error(`archive-command.mjs knows ${Object.keys(programs).join(', ')}; not ${name}`);
  process.exit(2);
}
// What the build says must not be in the middle of the JSON.
const build = spawnSync(process.execPath, [path.join(root, 'scripts', 'run.mjs'), 'build'], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (build.status !== 0) process.exit(build.status ?? 2);
const node = path.join(root, 'node_modules', '.bin', 'node');
const { status } = spawnSync(node, ['--enable-source-maps', path.join(root, program), ...args], { stdio: 'inherit' });
process.exit(status ?? 1);
