import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { openSession } from '../../runtime/open-session.js';
import { checkModelFiles, folderName, manifestBytesMax, versionName } from '../load-models.js';
import type { Model } from '../model.js';
import { oneFile } from '../read-network.js';
import { PackageError } from './package-error.js';
import { listZip, unpack, type ZipEntry } from './read-zip.js';

export interface PackageRequest {
  zip: string;
  /** An empty folder; the files are left in it under their plain names. */
  directory: string;
  /** Where the archive's own folders do not say it. */
  named: Partial<Record<'specialty' | 'name' | 'version', string>>;
  networkBytesMax: number;
  /** What the client says the whole archive is, lower-case hex; undefined: it does not say. */
  sha256: string | undefined;
}

export type PackageFacts = Pick<
  Model,
  'specialty' | 'name' | 'version' | 'id' | 'sha256' | 'networkSha256' | 'manifest'
> & {
  files: string[];
};

const textBytesMax = 1024 * 1024;
const needed = ['model.json', 'model.onnx', 'README.md'] as const;
/** What macOS and Windows put into archives by themselves; it is not unpacked. */
const leftByDesktops = /(^|\/)(__MACOSX\/|\.DS_Store$|Thumbs\.db$|desktop\.ini$)/;
/** As exporters call what they put beside a network. */
const weightsName = /[._](data|bin|weights?)$/i;
const taken = new Set<string>([...needed, 'LICENSE', 'LICENSE.txt', 'NOTICE']);

/**
 * Unpacks an uploaded archive and checks it through and through: its files, model.json, the network's structure, both against each
 * other, and that onnxruntime opens the network. Runs in a process of its own: a network can take memory without end, or crash.
 *
 * @throws PackageError, ModelError 'invalid-model' with a line for each thing that is wrong.
 */
export async function openPackage(request: PackageRequest): Promise<PackageFacts> {
  await checkArchive(request);
  const entries = (await listZip(request.zip)).filter(({ name }) => !leftByDesktops.test(name));
  const { folder, files } = layoutOf(entries);
  const place = placeOf(folder, request.named);
  await mkdir(request.directory, { recursive: true });
  for (const [name, entry] of files) {
    const bytesMax =
      name === 'model.onnx' ? request.networkBytesMax : name === 'model.json' ? manifestBytesMax : textBytesMax;
    await unpack(request.zip, entry, path.join(request.directory, name), bytesMax);
  }
  const [manifestBytes, networkBytes] = (await Promise.all(
    ['model.json', 'model.onnx'].map((name) => readFile(path.join(request.directory, name))),
  )) as [Buffer, Buffer];
  const checked = checkModelFiles(manifestBytes, networkBytes, '');
  try {
    const session = await openSession(networkBytes, checked.manifest, {
      executionProviders: ['cpu'],
      intraOpThreads: 1,
    });
    await session.release();
  } catch (error) {
    throw new PackageError('invalid-package', `model.onnx cannot be run here: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return { ...place, ...checked, files: [...files.keys()] };
}

async function checkArchive({ zip, sha256 }: PackageRequest): Promise<void> {
  if (sha256 === undefined) return;
  const real = createHash('sha256')
    .update(await readFile(zip))
    .digest('hex');
  if (real !== sha256.toLowerCase())
    throw new PackageError(
      'invalid-package',
      `The archive that came has SHA-256 ${real}; ${sha256.slice(0, 64)} was announced.`,
    );
}

/** All files lie in one folder: the top, or one however deep. */
function layoutOf(entries: readonly ZipEntry[]): { folder: string[]; files: Map<string, ZipEntry> } {
  const manifest = entries.filter(({ name }) => path.posix.basename(name) === 'model.json');
  if (manifest.length !== 1)
    throw new PackageError(
      'invalid-package',
      `The archive has ${manifest.length === 0 ? 'no' : manifest.length} model.json; one version of one model is uploaded at a time: ${needed.join(', ')}, at the top or in one folder.`,
    );
  const directory = path.posix.dirname(manifest[0]!.name);
  const files = new Map<string, ZipEntry>();
  for (const entry of entries) {
    const name = path.posix.basename(entry.name);
    if (path.posix.dirname(entry.name) !== directory || !taken.has(name))
      throw new PackageError(
        'invalid-package',
        `The archive has a file ${JSON.stringify(entry.name.slice(0, 100))}, which is not part of a model: ${[...taken].join(', ')} are.${weightsName.test(name) ? ` Weights belong into model.onnx. ${oneFile}` : ''}`,
      );
    files.set(name, entry);
  }
  const missing = needed.filter((name) => !files.has(name));
  if (missing.length > 0) throw new PackageError('invalid-package', `The archive lacks ${missing.join(' and ')}.`);
  return { folder: directory === '.' ? [] : directory.split('/'), files };
}

/** `<specialty>/<name>/<version>` by the folders in the archive, or by what the request says; never two different ones. */
function placeOf(
  folder: readonly string[],
  named: PackageRequest['named'],
): Pick<Model, 'specialty' | 'name' | 'version' | 'id'> {
  const [specialty, name, version] =
    folder.length >= 3 ? folder.slice(-3) : [named.specialty, named.name, named.version];
  for (const [key, own] of Object.entries({ specialty, name, version })) {
    const asked = named[key as keyof typeof named];
    if (asked !== undefined && asked !== own)
      throw new PackageError('invalid-package', `The archive's folder says ${key} ${own}, the request ${asked}.`);
  }
  if (
    !specialty ||
    !name ||
    !version ||
    !folderName.test(specialty) ||
    !folderName.test(name) ||
    !versionName.test(version)
  )
    throw new PackageError(
      'invalid-package',
      `It is not said which model this is${folder.length > 0 ? ` (the archive's folder is ${JSON.stringify(folder.join('/').slice(0, 100))})` : ''}: put the files into <specialty>/<name>/<version>/ (small letters, digits, hyphens; a version like 1.0.0), for example radiology/lung-density/1.0.0/, or give ?specialty=...&name=...&version=...`,
    );
  return { specialty, name, version, id: `${specialty}/${name}` };
}
