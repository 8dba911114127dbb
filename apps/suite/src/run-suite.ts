import type { Share } from '#libs/processes';
import { runApp } from '#libs/server';
import { DicomwebModule } from '../../dicomweb/src/dicomweb.module.js';
import { InferenceModule } from '../../inference/src/inference.module.js';
import { RouterModule } from '../../router/src/router.module.js';
import { StorageModule } from '../../storage/src/storage.module.js';
import { announce } from './announce.js';
import { seedSamples } from './seed-samples.js';

/** All four apps. Where several processes share the port, each serves all of HTTP; the first does the jobs, too. */
export async function runSuite(share?: Share): Promise<void> {
  await runApp(
    'suite',
    {
      modules: [DicomwebModule, RouterModule, InferenceModule, StorageModule],
      jobs: ['dicomweb', 'router', 'inference', 'storage'],
      hasConsole: true,
    },
    async (running) => {
      announce(running);
      await seedSamples(running);
    },
    share,
  );
}
