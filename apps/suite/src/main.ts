import { startProcesses } from '#libs/processes';

await startProcesses('suite', async (share) => {
  const { runSuite } = await import('./run-suite.js');
  await runSuite(share);
});
