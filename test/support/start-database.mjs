// One real PostgreSQL for all database tests of a run: durability off, because these tests never pull the plug.
// Uses the compiled libraries (npm test builds first): Jest does not transform this file.
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export default async function startDatabase() {
  const { EmbeddedPostgres, createDataSource } = await import('../../dist/libs/database/src/index.js');
  const { prepareTemplate } = await import('./prepare-template.mjs');
  const dataDir = await mkdtemp(path.join(tmpdir(), 'isocenter-test-'));
  const postgres = await EmbeddedPostgres.start({
    dataDir,
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '200' },
  });
  await prepareTemplate(postgres.url, createDataSource);
  process.env.ISOCENTER_TEST_DATABASE = postgres.url;
  globalThis.isocenterTestDatabase = { postgres, dataDir };
}
