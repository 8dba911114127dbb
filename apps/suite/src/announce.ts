import type { RunningApp } from '#libs/server';

/** Says in five lines what is where. */
export function announce({ url, config }: RunningApp): void {
  const database =
    config.databaseUrl === undefined ? `embedded PostgreSQL in ${config.dataDir}` : 'PostgreSQL at DATABASE_URL';
  process.stdout.write(
    [
      `Isocenter is running.`,
      `  Worklist   ${url}/`,
      `  DICOMweb   ${url}/dicom-web   (QIDO-RS, WADO-RS, STOW-RS)`,
      `  API        ${url}/api         health at ${url}/health/ready`,
      `  Data       ${config.dataDir}, ${database}. Ctrl-C stops.`,
      '',
    ].join('\n'),
  );
}
