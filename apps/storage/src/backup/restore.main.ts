import path from 'node:path';
import { parseArgs } from 'node:util';
import { migrate } from '#libs/database';
import { startBoss } from '#libs/jobs';
import { createLogger } from '#libs/telemetry';
import { checkArchive } from '../fsck/check-archive.js';
import { openArchive } from '../open-archive.js';
import { reportProgress } from './report-progress.js';
import { listBackups, readManifest, restoreBackup } from './restore-backup.js';

/**
 * `npm run restore -- --from FOLDER [--backup NAME] [--list]`: the latest backup, or the one named, into an empty archive;
 * then everything is read and compared. Says what was done and found as JSON; exit status 1 when anything is missing.
 */
const { values } = parseArgs({
  options: { from: { type: 'string' }, backup: { type: 'string' }, list: { type: 'boolean', default: false } },
});
if (values.from === undefined) {
  console.error('From where? npm run restore -- --from FOLDER [--backup NAME] [--list]');
  process.exit(2);
}
const folder = path.resolve(values.from);
if (values.list) {
  process.stdout.write(`${(await listBackups(folder)).join('\n')}\n`);
  process.exit(0);
}
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort(new Error(`${signal}`)));
const archive = await openArchive();
try {
  const manifest = await readManifest(folder, values.backup);
  await migrate(archive.dataSource, async () => {
    const boss = await startBoss(archive.databaseUrl, createLogger('storage', 'warn'));
    await boss.stop({ graceful: false, close: true });
  });
  const { dataSource, stores } = archive;
  const restored = await restoreBackup(dataSource, stores, folder, manifest, stop.signal, reportProgress());
  const fsck = await checkArchive(dataSource, stores, { digests: true }, stop.signal);
  process.stdout.write(`${JSON.stringify({ restored, fsck }, undefined, 2)}\n`);
  process.exitCode = restored.missing.length === 0 && fsck.isSound ? 0 : 1;
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await archive.close();
}
