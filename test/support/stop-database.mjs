import { rm } from 'node:fs/promises';

export default async function stopDatabase() {
  const { postgres, dataDir } = globalThis.isocenterTestDatabase;
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true });
}
