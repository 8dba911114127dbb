import { startProcesses } from '#libs/processes';

await startProcesses('dicomweb', async (share) => {
  const { runDicomweb } = await import('./run-dicomweb.js');
  await runDicomweb(share);
});
