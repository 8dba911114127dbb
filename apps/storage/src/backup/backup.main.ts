import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openArchive } from '../open-archive.js';
import { reportProgress } from './report-progress.js';
import { writeBackup } from './write-backup.js';

/** `npm run backup -- --to FOLDER`: database and packs, while the archive works. Says what was done as JSON. */
const { values } = parseArgs({ options: { to: { type: 'string' } } });
if (values.to === undefined) {
  console.error('Where to? npm run backup -- --to FOLDER');
  process.exit(2);
}
const folder = path.resolve(values.to);
await mkdir(folder, { recursive: true, mode: 0o700 });
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort(new Error(`${signal}`)));
const archive = await openArchive();
try {
  const result = await writeBackup(archive.dataSource, archive.stores, folder, stop.signal, reportProgress());
  process.stdout.write(`${JSON.stringify({ folder, ...result }, undefined, 2)}\n`);
  process.exitCode = result.missing.length === 0 ? 0 : 1;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await archive.close();
}
