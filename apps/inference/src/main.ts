import { runApp } from '#libs/server';
import { InferenceModule } from './inference.module.js';

await runApp('inference', { modules: [InferenceModule], jobs: ['inference'] });
