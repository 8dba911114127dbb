import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { checkNames } from './check-names.js';
import { checkNetwork } from './check-network.js';
import { explainIssues } from './explain-issues.js';
import { modelManifestSchema, type ModelManifest } from './manifest.js';
import type { Model } from './model.js';
import { ModelError } from './model-error.js';
import { readNetwork } from './read-network.js';

export const manifestBytesMax = 256 * 1024;
/** The bytes are held in memory once a worker process. */
export const networkBytesMax = 2 * 1024 ** 3 - 1;
export const folderName = /^[a-z0-9]+(-[a-z0-9]+)*$/;
export const versionName = /^\d+\.\d+\.\d+$/;

/**
 * Loads every model in `models/<specialty>/<name>/<version>/`, in the order of their names.
 *
 * @throws ModelError 'invalid-model' that names every file and key that is wrong, when there is one; then no model is loaded.
 */
export async function loadModels(modelsDirectory: string): Promise<Model[]> {
  const models: Model[] = [];
  const problems: string[] = [];
  for (const specialty of await foldersIn(modelsDirectory)) {
    for (const name of await foldersIn(path.join(modelsDirectory, specialty))) {
      for (const version of await foldersIn(path.join(modelsDirectory, specialty, name))) {
        try {
          models.push(await loadModel(path.join(modelsDirectory, specialty, name, version)));
        } catch (error) {
          if (!(error instanceof ModelError)) throw error;
          problems.push(error.message);
        }
      }
    }
  }
  if (problems.length > 0) throw new ModelError('invalid-model', problems.join('\n'));
  return models;
}

/**
 * Loads one version's folder.
 *
 * @param directory `.../<specialty>/<name>/<version>`.
 * @throws ModelError 'invalid-model': which file, which key, what is expected.
 */
export async function loadModel(directory: string): Promise<Model> {
  const [specialty, name, version] = path.resolve(directory).split(path.sep).slice(-3) as [string, string, string];
  if (!folderName.test(specialty) || !folderName.test(name) || !versionName.test(version)) {
    throw new ModelError(
      'invalid-model',
      `${directory}: a model lies in <specialty>/<name>/<version>/, small letters, digits and hyphens, version like 1.0.0.`,
    );
  }
  const manifestBytes = await readBounded(path.join(directory, 'model.json'), manifestBytesMax);
  const networkBytes = await readBounded(path.join(directory, 'model.onnx'), networkBytesMax);
  return {
    specialty,
    name,
    version,
    id: `${specialty}/${name}`,
    directory: path.resolve(directory),
    ...checkModelFiles(manifestBytes, networkBytes, directory),
  };
}

/**
 * The two files that make a model, checked by themselves and against each other.
 *
 * @param place Where they lie, named in errors.
 * @throws ModelError 'invalid-model' with one line for each thing that is wrong.
 */
export function checkModelFiles(
  manifestBytes: Uint8Array,
  networkBytes: Uint8Array,
  place: string,
): Pick<Model, 'manifest' | 'sha256' | 'networkSha256'> {
  const file = (name: string) => (place === '' ? name : path.join(place, name));
  const manifest = parseManifest(file('model.json'), manifestBytes);
  let network;
  try {
    network = readNetwork(networkBytes);
  } catch (error) {
    throw new ModelError('invalid-model', `${file('model.onnx')}: ${(error as Error).message}`, { cause: error });
  }
  const problems = checkNetwork(manifest, network);
  if (problems.length > 0)
    throw new ModelError('invalid-model', problems.map((problem) => `${file('model.json')}: ${problem}`).join('\n'));
  return { manifest, ...digestsOf(manifestBytes, networkBytes) };
}

/** As `sha256sum model.json model.onnx | sha256sum` reckons it. */
export function digestsOf(
  manifestBytes: Uint8Array,
  networkBytes: Uint8Array,
): { sha256: string; networkSha256: string } {
  const hex = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
  const networkSha256 = hex(networkBytes);
  return { networkSha256, sha256: hex(`${hex(manifestBytes)}  model.json\n${networkSha256}  model.onnx\n`) };
}

/**
 * @param file Named in the error.
 * @throws ModelError 'invalid-model' with one line for each key that is wrong.
 */
export function parseManifest(file: string, bytes: Uint8Array): ModelManifest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new ModelError('invalid-model', `${file}: not JSON in UTF-8: ${(error as Error).message}`, { cause: error });
  }
  const result = modelManifestSchema.safeParse(json);
  if (!result.success)
    throw new ModelError(
      'invalid-model',
      explainIssues(result.error.issues, json)
        .map((line) => `${file}: ${line}`)
        .join('\n'),
    );
  const problems = checkNames(result.data);
  if (problems.length > 0)
    throw new ModelError('invalid-model', problems.map((problem) => `${file}: ${problem}`).join('\n'));
  return result.data;
}

async function readBounded(file: string, bytesMax: number): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size > bytesMax)
      throw new ModelError('invalid-model', `${file} has ${size} bytes, at most ${bytesMax} are allowed.`);
    return await readFile(file);
  } catch (error) {
    if (error instanceof ModelError) throw error;
    throw new ModelError('invalid-model', `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

async function foldersIn(directory: string): Promise<string[]> {
  let entries;
  try {
    entries = await readdir(directory, { withFileTypes: true });
  } catch (error) {
    throw new ModelError(
      'invalid-model',
      `The models folder ${directory} cannot be read: ${(error as Error).message}`,
      { cause: error },
    );
  }
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map((entry) => entry.name)
    .sort();
}
