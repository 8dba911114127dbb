// Measures analysing studies (DICOM in the archive -> finding) beside a bare loop of onnxruntime-node over the same tensors, made ready
// before, and how long an urgent study takes with nothing else to do and with a backlog.
//   node scripts/inference-speed.mjs --model <folder of one version> --input picture.png|ecg.json|volume.nii.gz
//     [--studies 20] [--backlog 200] [--urgent 5] [--tiles 4] [--tissue-rows all] [--jpeg] [--once] [--without-network]
// After `npm run build`. It starts a suite of its own, with one inference worker. What a study is made of is repeated from the input: a
// picture becomes a radiograph, or a slide of --tiles x --tiles of it, where the model takes slides. Findings are compared with those
// of a run in this process; not with --once, for networks that take minutes: then each bare loop runs once, and no study goes before.
// Before each urgent study the bare loop runs again, so that both see the machine alike. With --without-network a network stands in that
// gives at once what the model's own gave for this input: then all that is measured is what there is beside the network.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { bareLoop } from './inference-speed/bare-loop.mjs';
import { makeStudy } from './inference-speed/make-study.mjs';
import { standInFor } from './inference-speed/stand-in.mjs';
import { Suite } from './inference-speed/suite.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    input: { type: 'string' },
    studies: { type: 'string', default: '20' },
    backlog: { type: 'string', default: '200' },
    urgent: { type: 'string', default: '5' },
    tiles: { type: 'string', default: '4' },
    jpeg: { type: 'boolean', default: false },
    'tissue-rows': { type: 'string' },
    once: { type: 'boolean', default: false },
    'without-network': { type: 'boolean', default: false },
    port: { type: 'string', default: '8977' },
    environment: { type: 'string', multiple: true, default: [] },
  },
});
const place = path.resolve(values.model);
const [specialty, name, version] = place.split(path.sep).slice(-3);
const id = `${specialty}/${name}`;
const from = (file) => import(new URL(`../dist/${file}`, import.meta.url).href);
const { loadModel } = await from('apps/inference/src/models/load-models.js');
const { selectInput } = await from('apps/inference/src/models/select-input.js');
const { prepareInput } = await from('apps/inference/src/pipelines/inputs/prepare-input.js');
const { toLayout, layoutOf } = await from('apps/inference/src/pipelines/layout.js');
const { runModel } = await from('apps/inference/src/runtime/run-model.js');
const { newUid, writePart10 } = await from('libs/dicom/src/index.js');
const folder = mkdtempSync(path.join(tmpdir(), 'isocenter-inference-'));
let model = await loadModel(place);
// As the worker chooses them.
const threads = Math.max(1, Math.floor(availableParallelism() / 2));

const accepted = model.manifest.accepts.instances.find(({ keyword }) => keyword === 'Modality')?.oneOf ?? ['SM'];
const made = await makeStudy(values.input, {
  modality: accepted[0],
  tiles: Number(values.tiles),
  jpeg: values.jpeg,
  tissueRows: Number(values['tissue-rows'] ?? Infinity),
  micrometres: model.manifest.input.pixelSpacingMicrometres?.nearest ?? 0.5,
});

/** The datasets of one study, with UIDs and a patient of its own. */
function newStudy(patientId, description, which) {
  const one = (vr, value) => ({ vr, Value: [value] });
  const [study, series] = [newUid(), newUid()];
  const datasets = made.instances.map((instance) => ({
    ...(which === 'whole' ? instance.whole() : instance.dataset),
    '00080018': one('UI', newUid()),
    '00081030': one('LO', description),
    '0020000D': one('UI', study),
    '0020000E': one('UI', series),
    '00100020': one('LO', patientId),
  }));
  return { study, datasets };
}

// What the archive would give the model, as files.
const { datasets: local } = newStudy('LOCAL', 'local', 'dataset');
const input = selectInput(model.manifest, local);
if ('unsuitable' in input) throw new Error(input.unsuitable);
const madeOf = (sopInstanceUid) =>
  made.instances[local.findIndex((dataset) => dataset['00080018'].Value[0] === sopInstanceUid)];
const save = (file, bytes) => {
  writeFileSync(path.join(folder, file), bytes);
  return path.join(folder, file);
};
const fetched = () => ({
  input,
  inputDigest: '00'.repeat(32),
  directory: folder,
  frameFiles: input.frames.map((frame, index) => ({
    ...frame,
    file: save(`frame-${index}`, madeOf(frame.sopInstanceUid).frames[frame.frameNumber - 1]),
    transferSyntaxUid: made.syntax,
  })),
  bulkDataFiles: input.bulkData.map((bulk) => ({ ...bulk, file: save('bulk', made.instances[0].samples) })),
});

// The bare loop over the tensors of one study; of a large slide over some, for they do not all fit into memory.
const tensorsMax = 64;
const [{ name: inputName, layout, shape }] = model.manifest.inputs;
const tensors = [];
let batches = 0;
for await (const { tensor } of (await prepareInput(model.manifest, fetched())).batches) {
  batches += 1;
  if (tensors.length < tensorsMax)
    tensors.push(toLayout(tensor, layoutOf({ shape: [...tensor.dims] }), layoutOf({ layout, shape })));
}
const count = Number(values.studies);
const models = path.join(folder, 'models');
const modelFolder = path.join(models, id, version);
mkdirSync(path.dirname(modelFolder), { recursive: true });
cpSync(place, modelFolder, { recursive: true, dereference: true });
const network = path.join(modelFolder, 'model.onnx');
if (values['without-network']) {
  if (batches > 1) throw new Error('A network stands in for one that is run once for a study');
  const standIn = await standInFor(network, model.manifest, tensors[0]);
  rmSync(network);
  writeFileSync(network, standIn);
  model = await loadModel(modelFolder);
}
const rounds = values.once ? 1 : Math.max(2, Math.min(count, 30));
async function bare(on) {
  const { seconds, processor } = await bareLoop(network, inputName, tensors, {
    threads: on,
    studies: rounds,
    isWarm: !values.once,
  });
  const scale = batches / tensors.length;
  return { seconds: seconds * scale, processor: processor * scale };
}
const bareBefore = await bare(threads);
const bareOnAll = await bare(availableParallelism());
const isCompared = batches === tensors.length && !values.once;
const expected =
  isCompared && (await runModel(model, fetched(), { executionProviders: ['cpu'], intraOpThreads: threads }));

const suite = new Suite({
  port: values.port,
  dataDir: path.join(folder, 'data'),
  models,
  environment: Object.fromEntries(values.environment.map((pair) => pair.split(/=(.*)/s).slice(0, 2))),
});
async function send(howMany, prefix, description) {
  const uids = [];
  for (let at = 0; at < howMany; at++) {
    const { study, datasets } = newStudy(`${prefix}-${at}`, description, 'whole');
    await suite.store(datasets.map((dataset) => writePart10(dataset, made.syntax)));
    uids.push(study);
  }
  return uids;
}
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const ms = (seconds) => `${(1000 * seconds).toFixed(1)} ms`;
const share = (part, whole) => `${Math.round((100 * part) / whole)} %`;

try {
  await suite.ready();
  await suite.addRule('Routine', 'routine', id);
  await suite.addRule('Urgent', 'urgent', id, 'HIGH');
  const [first] = values.once ? [] : await send(1, 'FIRST', 'urgent');
  const start = first && (await suite.inferred(first));

  const memory = suite.watchMemory();
  const before = suite.processor();
  const uids = await send(count, 'ROUTINE', 'routine');
  const ends = [];
  for (const uid of uids) ends.push((await suite.inferred(uid, 500)).inferred);
  const used = suite.processor().map((seconds, at) => (seconds - before[at]) / count);
  const [workerMebibytes, otherMebibytes] = memory();
  // From when the first of them was begun to the last result, with the time in which the path fills and empties.
  const begun = await Promise.all(uids.map(async (uid) => (await suite.timesOf(uid)).started));
  const perStudy = (Math.max(...ends) - Math.min(...begun)) / 1000 / count;

  const [alone, over, usedAlone] = [[], [], []];
  for (let at = 0; at < Number(values.urgent); at++) {
    const { seconds, processor } = await bare(threads);
    const already = suite.processor();
    const [uid] = await send(1, `URGENT-${at}`, 'urgent');
    const { ordered, inferred } = await suite.inferred(uid);
    alone.push(inferred - ordered);
    over.push(Math.round(inferred - ordered - 1000 * seconds));
    usedAlone.push(suite.processor().map((now, which) => now - already[which] - (which === 0 ? processor : 0)));
  }

  const many = await send(Number(values.backlog), 'BACKLOG', 'routine');
  const behind = [];
  if (many.length > 0) {
    await suite.inferred(many[0]);
    for (let at = 0; at < Math.min(3, Number(values.urgent)); at++) {
      const [uid] = await send(1, `LATE-${at}`, 'urgent');
      const { ordered, inferred } = await suite.inferred(uid);
      behind.push(inferred - ordered);
    }
  }
  const waiting = (await Promise.all(many.map((uid) => suite.timesOf(uid)))).filter((time) => !time.inferred).length;

  const { items } = await suite.ask('/api/worklist?limit=500&state=ALL');
  const { summary, findings } = items.find(({ patientId }) => patientId === 'ROUTINE-0').ai.results[0];
  const difference =
    expected && Math.max(...expected.findings.map(({ value }, at) => Math.abs(value - (findings[at]?.value ?? NaN))));
  const size = `${batches} batches a study of [${tensors[0].dims.join(', ')}]`;
  console.log(`${id} ${version}: ${size}, ${threads} thread(s)`);
  console.log(`bare loop        ${ms(bareBefore.seconds)} a study, processor ${ms(bareBefore.processor)}`);
  console.log(
    `  on ${availableParallelism()} threads   ${ms(bareOnAll.seconds)} a study, processor ${ms(bareOnAll.processor)}`,
  );
  console.log(
    `whole path       ${ms(perStudy)} a study, ${count} studies: ${share(bareBefore.seconds, perStudy)} of the bare loop, ${share(bareOnAll.seconds, perStudy)} of that on all processors`,
  );
  console.log(
    `processor        ${ms(used[0])} a study where models run, ${ms(used[1])} in all the rest: storing, routing, reading, the database`,
  );
  console.log(
    `memory at most   ${workerMebibytes.toFixed(0)} MiB where models run, ${otherMebibytes.toFixed(0)} MiB in all the rest (PSS)`,
  );
  console.log(
    expected ? `largest difference of a finding from a run in this process: ${difference}` : `result: ${summary}`,
  );
  if (start) console.log(`the first study  ${start.inferred - start.ordered} ms from order to result`);
  if (alone.length > 0)
    console.log(
      `urgent, nothing else to do: ${median(alone)} ms from order to result (${alone.join(', ')}), ${median(over)} ms over the bare loop before it (${over.join(', ')}); processor beside the network ${[0, 1].map((which) => ms(median(usedAlone.map((one) => one[which])))).join(' where models run, ')} in all the rest`,
    );
  if (behind.length > 0)
    console.log(
      `urgent, ${waiting} of ${many.length} still waiting at the end: ${median(behind)} ms (${behind.join(', ')})`,
    );
} finally {
  await suite.stop();
  rmSync(folder, { recursive: true, force: true });
}
