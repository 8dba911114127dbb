import { runApp } from '#libs/server';
import { DicomwebModule } from '../../dicomweb/src/dicomweb.module.js';
import { InferenceModule } from '../../inference/src/inference.module.js';
import { RouterModule } from '../../router/src/router.module.js';
import { StorageModule } from '../../storage/src/storage.module.js';
import { announce } from './announce.js';
import { seedSamples } from './seed-samples.js';

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
);
