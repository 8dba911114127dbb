import { parseArgs } from 'node:util';
import { openArchive } from '../open-archive.js';
import { checkArchive } from './check-archive.js';

/** `npm run fsck`: what checkArchive found, as JSON; exit status 1 when something is wrong. */
const { values } = parseArgs({ options: { digests: { type: 'boolean', default: false } } });
const archive = await openArchive();
try {
  const report = await checkArchive(archive.dataSource, archive.stores, { digests: values.digests });
  process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  process.exitCode = report.isSound ? 0 : 1;
} finally {
  await archive.close();
}
