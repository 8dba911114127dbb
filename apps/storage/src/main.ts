import { runApp } from '#libs/server';
import { StorageModule } from './storage.module.js';

await runApp('storage', { modules: [StorageModule], jobs: ['storage'] });
