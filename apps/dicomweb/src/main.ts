import { runApp } from '#libs/server';
import { DicomwebModule } from './dicomweb.module.js';

await runApp('dicomweb', { modules: [DicomwebModule], jobs: ['dicomweb'] });
