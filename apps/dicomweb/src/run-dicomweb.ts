import type { Share } from '#libs/processes';
import { runApp } from '#libs/server';
import { DicomwebModule } from './dicomweb.module.js';

export async function runDicomweb(share?: Share): Promise<void> {
  await runApp('dicomweb', { modules: [DicomwebModule], jobs: ['dicomweb'] }, undefined, share);
}
