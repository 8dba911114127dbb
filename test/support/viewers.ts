import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const cache = path.resolve(import.meta.dirname, '../../node_modules/.cache/viewers');
const fetchMillisecondsMax = 180_000;

/** A web viewer as its makers publish it to npm, built. */
export interface Viewer {
  name: string;
  version: string;
  /** As npm writes it: `sha512-` and the digest of the tarball in base64. */
  integrity: string;
}

export const ohif: Viewer = {
  name: '@ohif/app',
  version: '3.13.2',
  integrity: 'sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA==',
};
export const microscopyViewer: Viewer = {
  name: 'dicom-microscopy-viewer',
  version: '0.48.24',
  integrity: 'sha512-016o/23eNqXMxgX5EjnDmFz1ROSMQmU7vmRlTVPUgshl6NaBrZzEyWkzq4BNaFFPfrE274AWdR5crW51cWh+9g==',
};

/**
 * Brings a viewer here once, as npm itself would, and unpacks it. It is no dependency: its own are many, and we need none
 * of them, because it comes built.
 * @returns the folder of the package, or why it cannot be had
 */
export async function fetchViewer(viewer: Viewer): Promise<{ folder: string } | { missing: string }> {
  const folder = path.join(cache, `${viewer.name.replaceAll(/\W+/g, '-')}-${viewer.version}`);
  const found = await stat(path.join(folder, 'package.json')).catch(() => undefined);
  if (found !== undefined) return { folder };
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(path.join(cache, 'fetching-'));
  try {
    const tarball = await pack(viewer, work);
    const integrity = await integrityOf(tarball);
    if (integrity !== viewer.integrity)
      throw new Error(`The tarball of ${viewer.name} is not the one we know: ${integrity}`);
    await run('tar', ['-xzf', tarball, '-C', work]);
    // Another test may have been quicker.
    await rename(path.join(work, 'package'), folder).catch(() => stat(path.join(folder, 'package.json')));
    return { folder };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    return { missing: `${viewer.name}@${viewer.version} is not tested: it could not be fetched (${reason})` };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function pack({ name, version }: Viewer, folder: string): Promise<string> {
  const args = ['pack', `${name}@${version}`, '--pack-destination', folder, '--fetch-retries=0', '--loglevel=error'];
  await run('npm', args, { cwd: folder, timeout: fetchMillisecondsMax });
  const [tarball] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack left no tarball');
  return path.join(folder, tarball);
}

async function integrityOf(file: string): Promise<string> {
  const hash = createHash('sha512');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return `sha512-${hash.digest('base64')}`;
}

/** app-config.js of OHIF: this archive, and nothing that covers what is to be seen. */
export function ohifConfig(dicomweb: string): string {
  const configuration = {
    friendlyName: 'Isocenter',
    name: 'isocenter',
    wadoUriRoot: dicomweb,
    qidoRoot: dicomweb,
    wadoRoot: dicomweb,
    qidoSupportsIncludeField: true,
    imageRendering: 'wadors',
    thumbnailRendering: 'thumbnail',
    thumbnailRequestStrategy: 'fetch',
    enableStudyLazyLoad: true,
    supportsFuzzyMatching: true,
    supportsWildcard: true,
    bulkDataURI: { enabled: true },
    omitQuotationForMultipartRequest: true,
  };
  return `window.config = ${JSON.stringify({
    routerBasename: null,
    extensions: [],
    modes: [],
    customizationService: {},
    showStudyList: true,
    maxNumberOfWebWorkers: 2,
    showWarningMessageForCrossOrigin: false,
    showCPUFallbackMessage: false,
    strictZSpacingForVolumeViewport: true,
    investigationalUseDialog: { option: 'never' },
    defaultDataSourceName: 'dicomweb',
    dataSources: [
      { namespace: '@ohif/extension-default.dataSourcesModule.dicomweb', sourceName: 'dicomweb', configuration },
    ],
  })};`;
}
