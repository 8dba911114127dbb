import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import onnxProto from 'onnx-proto';
import { explicitLittleEndian, writePart10 } from '#libs/dicom';
import { beatsFile, ecgInstance } from '../models/fetched-samples.js';
import { boxesAndMap } from '../models/tiny-models.js';
import { makeZip } from '../support/make-zip.js';
import { makeDataDir, type RunningProcess, startApp } from '../support/start-suite.js';
import { waitForResults } from '../support/worklist.js';
import { store } from './wado-support.js';

jest.setTimeout(600_000);

const { onnx } = onnxProto;
const root = path.resolve(import.meta.dirname, '../..');
const token = 'a-token-of-more-than-thirty-two-characters';
const shipped = path.join(root, 'models/cardiology/ecg-rhythm/1.1.0');
const network = readFileSync(path.join(shipped, 'model.onnx'));
const manifest = () => JSON.parse(readFileSync(path.join(shipped, 'model.json'), 'utf8')) as Record<string, unknown>;
const folder = 'cardiology/ecg-rhythm/2.0.0';
const encode = (model: object) => onnx.ModelProto.encode(onnx.ModelProto.fromObject(model)).finish();

const rate = [{ measurement: 'heartRate', is: 'above', threshold: 10, priority: 'HIGH' }];

/** The shipped rhythm analysis as a version of its own: any rate is fast for it. */
function files(changes: Record<string, unknown> = {}, place = folder): Record<string, Uint8Array | string> {
  return {
    [`${place}/model.json`]: JSON.stringify({ ...manifest(), triage: rate, ...changes }),
    [`${place}/model.onnx`]: network,
    [`${place}/README.md`]: '# For a test\n',
  };
}

describe('models over the admin API', () => {
  let data: Awaited<ReturnType<typeof makeDataDir>>;
  let suite: RunningProcess;
  beforeAll(async () => {
    data = await makeDataDir();
    suite = await startApp({ dataDir: data.dataDir });
  });
  afterAll(async () => {
    await suite?.stop();
    await data?.remove();
  });

  const api = async (method: string, place: string, body?: Buffer, type = 'application/zip') => {
    const response = await fetch(`${suite.url}/api/models${place}`, {
      method,
      ...(body && { body: new Uint8Array(body), headers: { 'content-type': type } }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      json: (text === '' ? {} : JSON.parse(text)) as never as Answer,
    };
  };
  const upload = async (content: Record<string, Uint8Array | string>, query = '') =>
    api('POST', query, await makeZip(content));
  interface Answer {
    [key: string]: unknown;
    models: Record<string, unknown>[];
    changes: { act: string; version: string }[];
    detail: string;
    problems: string[];
  }
  const versions = async () =>
    (await api('GET', '')).json.models
      .filter(({ model }) => model === 'cardiology/ecg-rhythm')
      .map(({ version, state, source }) => [version, state, source]);

  it('publishes the schema of model.json, the same as the file', async () => {
    const { status, json } = await api('GET', '/schema');
    expect(status).toBe(200);
    expect(json).toEqual(JSON.parse(readFileSync(path.join(root, 'models/model.schema.json'), 'utf8')));
  });

  it.each<[string, () => Promise<{ status: number; json: Answer }>, number, RegExp]>([
    ['a body that is no archive', () => api('POST', '', Buffer.from('hello')), 422, /no zip archive/],
    ['another media type', () => api('POST', '', Buffer.from('{}'), 'application/json'), 415, /application\/zip/],
    ['an empty archive', () => upload({}), 422, /has no model\.json/],
    [
      'an archive without the network',
      () => upload({ [`${folder}/model.json`]: '{}', [`${folder}/README.md`]: '' }),
      422,
      /lacks model\.onnx/,
    ],
    [
      'files beside those of a model',
      () => upload({ ...files(), [`${folder}/run.sh`]: 'rm -rf /' }),
      422,
      /run\.sh.*not part of a model/,
    ],
    [
      'weights beside the network',
      () => upload({ ...files(), [`${folder}/model.onnx.data`]: 'weights' }),
      422,
      /model\.onnx\.data.*not part of a model.*Weights belong into model\.onnx.*onnx\.save\(onnx\.load/,
    ],
    [
      'a place that is no place',
      () => upload(files({}, 'Heart/x')),
      422,
      /the archive's folder is "Heart\/x"\): put the files into <specialty>\/<name>\/<version>/,
    ],
    [
      'a place that contradicts the request',
      () => upload(files(), '?version=3.0.0'),
      422,
      /version 2\.0\.0, the request 3\.0\.0/,
    ],
    ['another digest than announced', () => upload(files(), `?sha256=${'0'.repeat(64)}`), 422, /was announced/],
    [
      'a model.json that is none',
      () => upload({ ...files(), [`${folder}/model.json`]: '{ "title"' }),
      422,
      /model\.json: not JSON/,
    ],
    [
      'a step nobody knows',
      () => upload(files({ postprocessing: [{ step: 'guess' }] })),
      422,
      /model\.json: postprocessing\[0\]\.step: "guess" is unknown; allowed: softmax, sigmoid/,
    ],
    [
      'a name that is nearly one',
      () =>
        upload(
          files({
            measurements: [{ ...(manifest()['measurements'] as object[])[0], value: 'heartrate' }],
            triage: rate,
          }),
        ),
      422,
      /measurements\[0\]\.value: no step gives a number named "heartrate"; there is .*heartRate/,
    ],
    [
      'a keyword that is none',
      () => upload(files({ accepts: { instances: [{ keyword: 'modality', oneOf: ['ECG'] }] } })),
      422,
      /accepts\.instances\[0\]\.keyword: "modality" does not fit: a DICOM keyword, e\.g\. BodyPartExamined/,
    ],
    [
      'a network that is another',
      () => upload({ ...files(), [`${folder}/model.onnx`]: boxesAndMap().network }),
      422,
      /inputs\[0\]\.name: the network has no input "ecg"; it has image/,
    ],
    [
      'bytes that are no network',
      () => upload({ ...files(), [`${folder}/model.onnx`]: 'GIF89a' }),
      422,
      /no ONNX file/,
    ],
    [
      'tensors in other files',
      () =>
        upload({
          ...files(),
          [`${folder}/model.onnx`]: encode({
            irVersion: 8,
            opsetImport: [{ domain: '', version: 17 }],
            graph: {
              initializer: [{ name: 'w', dataLocation: 1, externalData: [{ key: 'location', value: '/etc/passwd' }] }],
            },
          }),
        }),
      422,
      /keeps a tensor \("w"\) in another file \("\/etc\/passwd"\)/,
    ],
    [
      'operators that need a library',
      () =>
        upload({
          ...files(),
          [`${folder}/model.onnx`]: encode({
            irVersion: 8,
            opsetImport: [{ domain: '', version: 17 }],
            graph: { node: [{ opType: 'Evil', domain: 'com.example' }] },
          }),
        }),
      422,
      /domain "com\.example"/,
    ],
    [
      'a graph onnxruntime cannot make sense of',
      () => {
        const model = onnx.ModelProto.decode(network);
        model.graph!.node![3]!.opType = 'NoSuchOperator';
        return upload({ ...files(), [`${folder}/model.onnx`]: onnx.ModelProto.encode(model).finish() });
      },
      422,
      /model\.onnx cannot be run here: .*NoSuchOperator/,
    ],
  ])('refuses %s, and says why', async (_, send, status, detail) => {
    const refused = await send();
    expect([refused.status, refused.json.detail]).toEqual([status, expect.stringMatching(detail)]);
    expect(await versions()).toEqual([['1.1.0', 'active', 'folder']]);
  });

  it('refuses names that lead out of the archive, and what unpacks to more than it says', async () => {
    const slip = await makeZip({ ...files(), 'ab/evil.txt': 'x' });
    for (let at = slip.indexOf('ab/evil.txt'); at !== -1; at = slip.indexOf('ab/evil.txt'))
      slip.write('../evil.txt', at);
    expect(await api('POST', '', slip)).toMatchObject({
      status: 422,
      json: { detail: expect.stringMatching(/leads out of the archive/) },
    });

    // A text of zeros that says it is small: deflated a thousand times smaller than it is.
    const bomb = await makeZip({ ...files(), [`${folder}/README.md`]: Buffer.alloc(50_000_000) });
    expect(await api('POST', '', bomb)).toMatchObject({ status: 413 });
    const sizes = Buffer.alloc(4);
    sizes.writeUInt32LE(50_000_000);
    for (let at = bomb.indexOf(sizes); at !== -1; at = bomb.indexOf(sizes)) bomb.writeUInt32LE(100, at);
    expect(await api('POST', '', bomb)).toMatchObject({
      status: 413,
      json: { detail: expect.stringMatching(/unpacks to more than 100 bytes/) },
    });
  });

  it('keeps a model that is right, once, and not in force, whatever a desktop puts beside it', async () => {
    const zip = await makeZip({ ...files(), [`__MACOSX/${folder}/._model.json`]: 'x', [`${folder}/.DS_Store`]: 'x' });
    const sha256 = createHash('sha256').update(zip).digest('hex');
    const added = await api('POST', `?sha256=${sha256}`, zip);
    expect([added.status, added.headers.get('location')]).toEqual([201, '/api/models/cardiology/ecg-rhythm/2.0.0']);
    const digests = [files()[`${folder}/model.json`]!, network].map((bytes) =>
      createHash('sha256').update(bytes).digest('hex'),
    );
    expect(added.json).toMatchObject({
      state: 'inactive',
      source: 'upload',
      networkSha256: digests[1],
      sha256: createHash('sha256').update(`${digests[0]}  model.json\n${digests[1]}  model.onnx\n`).digest('hex'),
    });
    expect((await upload(files())).status).toBe(200);
    // Thresholds belong to the version: with others it is another.
    expect(await upload(files({ triage: manifest()['triage'] }))).toMatchObject({
      status: 409,
      json: { detail: expect.stringMatching(/Give the changed model a new version/) },
    });
    expect(await versions()).toEqual([
      ['1.1.0', 'active', 'folder'],
      ['2.0.0', 'inactive', 'upload'],
    ]);
  });

  it('runs the version that was activated, without a restart', async () => {
    expect((await api('POST', '/cardiology/ecg-rhythm/2.0.0/activate')).json).toMatchObject({ state: 'active' });
    const { instance, samples } = ecgInstance(beatsFile());
    const group = instance['54000100']!.Value![0] as Record<string, unknown>;
    group['54001010'] = { vr: 'OW', InlineBinary: samples.toString('base64') };
    await store(suite.dicomweb, [writePart10(instance, explicitLittleEndian)]);
    const [item] = await waitForResults(suite.url, ['MODEL-1']);
    // A rate of sixty is abnormal only for this version.
    expect(item).toMatchObject({ ai: { state: 'positive', results: [{ model: 'cardiology/ecg-rhythm' }] } });
    expect(item!.ai.summary).toMatch(/^Heart rate 60\/min/);
  });

  it('goes back by one call, and forgets nothing', async () => {
    expect((await api('DELETE', '/cardiology/ecg-rhythm/2.0.0')).status).toBe(409);
    expect((await api('POST', '/cardiology/ecg-rhythm/rollback')).json).toMatchObject({
      version: '1.1.0',
      state: 'active',
    });
    expect((await api('DELETE', '/cardiology/ecg-rhythm/1.1.0')).status).toBe(409);
    expect((await api('DELETE', '/cardiology/ecg-rhythm/2.0.0')).status).toBe(204);
    expect((await api('DELETE', '/cardiology/ecg-rhythm/2.0.0')).status).toBe(404);
    expect(await versions()).toEqual([['1.1.0', 'active', 'folder']]);
    // The number stays taken: results name it.
    expect((await upload(files({ title: 'Another' }))).status).toBe(409);
    const { changes } = (await api('GET', '/changes?model=cardiology/ecg-rhythm')).json;
    expect(changes.map(({ act, version }) => `${act} ${version}`)).toEqual([
      'deleted 2.0.0',
      'rolled back 1.1.0',
      'activated 2.0.0',
      'uploaded 2.0.0',
    ]);
  });

  it('keeps what was chosen over a restart', async () => {
    expect((await upload(files({}, 'cardiology/ecg-rhythm/3.0.0'))).status).toBe(201);
    await api('POST', '/cardiology/ecg-rhythm/3.0.0/activate');
    await suite.stop();
    suite = await startApp({ dataDir: data.dataDir, environment: { ISOCENTER_API_TOKEN: token } });
    const response = await fetch(`${suite.url}/api/models`, { headers: { authorization: `Bearer ${token}` } });
    const { models } = (await response.json()) as Answer;
    expect(
      models
        .filter(({ state }) => state === 'active')
        .map(({ model, version }) => `${String(model)} ${String(version)}`),
    ).toContain('cardiology/ecg-rhythm 3.0.0');
    for (const [method, place] of [
      ['POST', ''],
      ['POST', '/cardiology/ecg-rhythm/3.0.0/activate'],
      ['POST', '/cardiology/ecg-rhythm/rollback'],
      ['DELETE', '/cardiology/ecg-rhythm/3.0.0'],
      ['GET', ''],
      ['GET', '/schema'],
      ['GET', '/changes'],
    ])
      expect((await fetch(`${suite.url}/api/models${place}`, { method: method! })).status).toBe(401);
  });
});
