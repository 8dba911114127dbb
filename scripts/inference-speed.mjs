// Measures analysing studies (DICOM in the archive -> finding) beside a bare loop of onnxruntime-node over the same tensors, made ready
// before, and how long an urgent study takes with nothing else to do and with a backlog.
//   node scripts/inference-speed.mjs --model <folder of one version> --input slide.png|ecg.json [--studies 20] [--backlog 200]
// After `npm run build`. It starts a suite of its own, with one inference worker. What a study is made of is repeated from the input: a
// picture becomes a slide of --tiles x --tiles of it.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import ort from 'onnxruntime-node';
import sharp from 'sharp';
import { root } from './typescript.mjs';
import { cpuSeconds } from '../test/bench/process-usage.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    input: { type: 'string' },
    studies: { type: 'string', default: '20' },
    backlog: { type: 'string', default: '200' },
    tiles: { type: 'string', default: '4' },
    port: { type: 'string', default: '8977' },
  },
});
const place = path.resolve(values.model);
const [specialty, name, version] = place.split(path.sep).slice(-3);
const id = `${specialty}/${name}`;
const from = (file) => import(new URL(`../dist/${file}`, import.meta.url).href);
const { loadModel } = await from('apps/inference/src/models/load-models.js');
const { selectInput } = await from('apps/inference/src/models/select-input.js');
const { prepareInput } = await from('apps/inference/src/pipelines/inputs/prepare-input.js');
const { runModel } = await from('apps/inference/src/runtime/run-model.js');
const { explicitLittleEndian, newUid, writePart10 } = await from('libs/dicom/src/index.js');
const threads = Math.max(1, Math.floor((await import('node:os')).availableParallelism() / 2));
const folder = mkdtempSync(path.join(tmpdir(), 'isocenter-inference-'));
const model = await loadModel(place);
const one = (vr, ...Value) => ({ vr, Value });

const common = (modality, sopClass) => ({
  '00080016': one('UI', sopClass),
  '00080020': one('DA', '20260102'),
  '00080030': one('TM', '101500'),
  '00080050': one('SH', 'A1'),
  '00080060': one('CS', modality),
  '00080090': { vr: 'PN' },
  '00100010': one('PN', { Alphabetic: 'Speed^Test' }),
  '00100030': { vr: 'DA' },
  '00100040': one('CS', 'O'),
  '00200010': one('SH', '1'),
  '00200011': one('IS', 1),
});

/** The DICOM of one study, without UIDs, and its bulk: frames, or samples. */
async function makeStudy() {
  if (values.input.endsWith('.json')) {
    const { fs, leads, signal } = JSON.parse(readFileSync(values.input, 'utf8'));
    const numbers = { I: 1, II: 2, V1: 3, V2: 4, V3: 5, V4: 6, V5: 7, V6: 8, III: 61, aVR: 62, aVL: 63, aVF: 64 };
    const samples = Buffer.from(Int16Array.from(signal.flat(), (millivolts) => Math.round(millivolts * 1000)).buffer);
    const channel = (lead) => ({
      '003A0208': one('SQ', { '00080100': one('SH', `2:${numbers[lead]}`), '00080102': one('SH', 'MDC') }),
      '003A0210': one('DS', 1),
      '003A0211': one('SQ', { '00080100': one('SH', 'uV'), '00080102': one('SH', 'UCUM') }),
    });
    const group = {
      '003A0005': one('US', leads.length),
      '003A0010': one('UL', signal.length),
      '003A001A': one('DS', fs),
      '003A0200': one('SQ', ...leads.map(channel)),
      54001004: one('US', 16),
      54001006: one('CS', 'SS'),
    };
    const instance = { ...common('ECG', '1.2.840.10008.5.1.4.1.1.9.1.1'), 54000100: one('SQ', group) };
    const inline = { vr: 'OW', InlineBinary: samples.toString('base64') };
    const whole = { ...instance, 54000100: one('SQ', { ...group, 54001010: inline }) };
    return { instance, whole, frames: [], samples };
  }
  const tile = 256;
  const picture = sharp(values.input).removeAlpha();
  const { data, info } = await picture.resize(tile, tile, { fit: 'cover' }).raw().toBuffer({ resolveWithObject: true });
  const across = Number(values.tiles);
  const frames = Array.from({ length: across ** 2 }, () => data);
  const instance = {
    ...common('SM', '1.2.840.10008.5.1.4.1.1.77.1.6'),
    '00080008': one('CS', 'ORIGINAL', 'PRIMARY', 'VOLUME', 'NONE'),
    '00200052': one('UI', '1.2.3.4.9'),
    '00209311': one('CS', 'TILED_FULL'),
    '00280002': one('US', 3),
    '00280004': one('CS', 'RGB'),
    '00280006': one('US', 0),
    '00280008': one('IS', frames.length),
    '00280010': one('US', info.height),
    '00280011': one('US', info.width),
    '00280100': one('US', 8),
    '00280101': one('US', 8),
    '00280102': one('US', 7),
    '00280103': one('US', 0),
    '00480006': one('UL', across * tile),
    '00480007': one('UL', across * tile),
    '00480008': one('SQ', { '0040072A': one('DS', 10), '0040073A': one('DS', 20) }),
    '00480102': one('DS', 0, -1, 0, -1, 0, 0),
    52009229: one('SQ', {
      '00289110': one('SQ', { '00180050': one('DS', 0.001), '00280030': one('DS', 0.0005, 0.0005) }),
    }),
  };
  const whole = { ...instance, '7FE00010': { vr: 'OW', InlineBinary: Buffer.concat(frames).toString('base64') } };
  return { instance, whole, frames };
}

const made = await makeStudy();
const withUids = (dataset, patientId, description) => ({
  ...dataset,
  '00080018': one('UI', newUid()),
  '00081030': one('LO', description),
  '0020000D': one('UI', newUid()),
  '0020000E': one('UI', newUid()),
  '00100020': one('LO', patientId),
});

// The bare loop: tensors that are ready, one after the other, on as many threads as the worker has.
const local = withUids(made.instance, 'LOCAL', 'local');
const input = selectInput(model.manifest, [local]);
if ('unsuitable' in input) throw new Error(input.unsuitable);
const save = (file, bytes) => {
  writeFileSync(path.join(folder, file), bytes);
  return path.join(folder, file);
};
const fetched = () => ({
  input,
  inputDigest: '00'.repeat(32),
  directory: folder,
  frameFiles: input.frames.map((frame) => ({
    ...frame,
    file: save(`frame-${frame.frameNumber}`, made.frames[frame.frameNumber - 1]),
    transferSyntaxUid: explicitLittleEndian,
  })),
  bulkDataFiles: input.bulkData.map((bulk) => ({ ...bulk, file: save('bulk', made.samples) })),
});
const ready = [];
for await (const { tensor } of (await prepareInput(model.manifest, fetched())).batches) ready.push(tensor);
const [{ name: inputName, layout, shape }] = model.manifest.inputs;
const { toLayout, layoutOf } = await from('apps/inference/src/pipelines/layout.js');
const tensors = ready.map((tensor) =>
  toLayout(tensor, layoutOf({ shape: [...tensor.dims] }), layoutOf({ layout, shape })),
);
const session = await ort.InferenceSession.create(readFileSync(path.join(place, 'model.onnx')), {
  executionProviders: ['cpu'],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  logSeverityLevel: 4,
});
const bareStudy = async () => {
  for (const { data, dims } of tensors) await session.run({ [inputName]: new ort.Tensor(data, dims) });
};
async function bareSeconds(studies) {
  await bareStudy();
  const started = performance.now();
  const { user, system } = process.cpuUsage();
  for (let at = 0; at < studies; at++) await bareStudy();
  const used = process.cpuUsage();
  const processor = (used.user + used.system - user - system) / 1e6 / studies;
  return { seconds: (performance.now() - started) / 1000 / studies, processor };
}
const expected = await runModel(model, fetched(), { executionProviders: ['cpu'], intraOpThreads: threads });
const count = Number(values.studies);
const rounds = Math.max(3, Math.min(count, 50));
const before = await bareSeconds(rounds);

// The whole path.
const models = path.join(folder, 'models');
mkdirSync(path.join(models, id), { recursive: true });
cpSync(place, path.join(models, id, version), { recursive: true, dereference: true });
const url = `http://127.0.0.1:${values.port}`;
const suite = spawn(process.execPath, [path.join(root, 'dist/apps/suite/src/main.js')], {
  cwd: root,
  env: {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    ISOCENTER_PORT: values.port,
    ISOCENTER_DATA_DIR: path.join(folder, 'data'),
    ISOCENTER_MODELS_DIR: models,
    ISOCENTER_SAMPLES: 'off',
    ISOCENTER_QUIET_PERIOD_SECONDS: '1',
  },
  stdio: ['ignore', 'ignore', 'inherit'],
});
const ask = async (place, body) => {
  const response = await fetch(`${url}${place}`, {
    ...(body && { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${place}: ${response.status} ${await response.text()}`);
  return response.json();
};
async function store(studies) {
  const boundary = 'speed';
  for (let at = 0; at < studies.length; at += 20) {
    const parts = studies
      .slice(at, at + 20)
      .flatMap((bytes) => [
        Buffer.from(`--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`),
        bytes,
        Buffer.from('\r\n'),
      ]);
    const response = await fetch(`${url}/dicom-web/studies`, {
      method: 'POST',
      headers: {
        'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
        accept: 'application/dicom+json',
      },
      body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
    });
    if (!response.ok) throw new Error(`storing: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  }
}
/** When each study's AI task was ordered and when its result was there, ms. */
async function timesOf(uid) {
  const { events } = await ask(`/api/studies/${uid}/timeline`);
  const at = (kind) => Date.parse(events.find((event) => event.kind === kind)?.at);
  return { ordered: at('ai-ordered'), started: at('ai-started'), inferred: at('ai-inferred') };
}
async function inferred(uid) {
  for (;;) {
    const times = await timesOf(uid).catch(() => ({}));
    if (times.inferred) return times;
    await sleep(100);
  }
}
async function send(howMany, prefix, description) {
  const datasets = Array.from({ length: howMany }, (_, index) =>
    withUids(made.whole, `${prefix}-${index}`, description),
  );
  await store(datasets.map((dataset) => writePart10(dataset, explicitLittleEndian)));
  return datasets.map((dataset) => dataset['0020000D'].Value[0]);
}
async function addRule(ruleName, is, priority) {
  const gives = { models: [{ model: id, version: 'current' }], forward: [], schedule: 'now', isLast: false };
  const definition = {
    description: '',
    level: 'study',
    when: { keyword: 'StudyDescription', is },
    gives: { ...gives, ...(priority && { priority }) },
  };
  const { ruleId } = await ask('/api/rules', { name: ruleName, definition });
  await ask(`/api/rules/${ruleId}/activate`, {});
}
/** Processor seconds so far: of the process that runs models, and of all others of the suite, the database among them. */
function processorOf() {
  const isWorker = (pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('inference-worker');
    } catch {
      return false;
    }
  };
  const children = readFileSync(`/proc/${suite.pid}/task/${suite.pid}/children`, 'utf8').trim().split(' ');
  const worker = cpuSeconds(children.map(Number).filter(isWorker));
  return [worker, cpuSeconds([suite.pid]) - worker];
}
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

try {
  while (
    !(await fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await sleep(200);
  await addRule('Routine', 'routine');
  await addRule('Urgent', 'urgent', 'HIGH');
  const [warm] = await send(1, 'WARM', 'routine');
  await inferred(warm);

  const alone = [];
  for (let at = 0; at < 5; at++) {
    const [uid] = await send(1, `URGENT-${at}`, 'urgent');
    const { ordered, inferred: end } = await inferred(uid);
    alone.push(end - ordered);
  }

  const usedBefore = processorOf();
  const uids = await send(count, 'ROUTINE', 'routine');
  const times = [];
  for (const uid of uids) times.push(await inferred(uid));
  const ends = times.map((time) => time.inferred).sort((a, b) => a - b);
  const used = processorOf().map((seconds, at) => (seconds - usedBefore[at]) / count);
  // From the first result to the last: the path is full meanwhile.
  const perStudy = (ends.at(-1) - ends[0]) / 1000 / (count - 1);

  const many = await send(Number(values.backlog), 'BACKLOG', 'routine');
  await inferred(many[0]);
  const behind = [];
  for (let at = 0; at < 3; at++) {
    const [uid] = await send(1, `LATE-${at}`, 'urgent');
    const { ordered, inferred: end } = await inferred(uid);
    behind.push(end - ordered);
  }
  const waiting = (await Promise.all(many.map(timesOf))).filter((time) => !time.inferred).length;

  const { items } = await ask('/api/worklist?limit=500&state=ALL');
  const findings = items.find(({ patientId }) => patientId === 'ROUTINE-0').ai.results[0].findings;
  const difference = Math.max(
    ...expected.findings.map(({ value }, index) => Math.abs(value - (findings[index]?.value ?? NaN))),
  );
  const after = await bareSeconds(rounds);
  const bare = before.seconds;
  const ms = (seconds) => `${(1000 * seconds).toFixed(1)} ms`;
  console.log(
    `${id} ${version}: ${tensors.length} batches a study of [${tensors[0].dims.join(', ')}], ${threads} threads`,
  );
  console.log(
    `bare loop        ${ms(bare)} a study (beside an idle suite ${ms(after.seconds)}), processor ${ms(before.processor)}`,
  );
  console.log(
    `whole path       ${ms(perStudy)} a study, ${count} studies: ${Math.round((100 * bare) / perStudy)} % of the bare loop`,
  );
  console.log(
    `processor        ${ms(used[0])} a study where models run, ${ms(used[1])} in all the rest: storing, routing, reading, the database`,
  );
  console.log(`largest difference of a finding from a run in this process: ${difference}`);
  console.log(
    `urgent, nothing else to do: ${median(alone)} ms from order to result (${alone.join(', ')}), ${Math.round(median(alone) - 1000 * bare)} ms over bare inference`,
  );
  console.log(
    `urgent, ${waiting} of ${many.length} still waiting at the end: ${median(behind)} ms (${behind.join(', ')})`,
  );
} finally {
  suite.kill('SIGTERM');
  await new Promise((done) => suite.once('exit', done));
  await session.release();
  rmSync(folder, { recursive: true, force: true });
}
