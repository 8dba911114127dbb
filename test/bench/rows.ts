import { seededRandom } from '../support/seeded-random.js';
import { benchStudy, makeToken } from './bench-study.js';
import { type BenchInstance, ctSlices, manyFrames, multiFrame, tinyInstance } from './corpus.js';
import { largeStudyRow } from './large-study.js';
import { type Measurement, runLoop, runOnce, type Server, type Task } from './measure.js';
import * as tasks from './object-tasks.js';
import { type SearchedArchive, type SearchRow, searchRows } from './search-rows.js';

export interface Row {
  id: string;
  title: string;
  unit: 'request/s' | 'instance/s' | 'MB/s' | 'ms' | 'MiB';
  run: (server: Server, round: number) => Promise<Measurement>;
}

export interface Scale {
  seconds: number;
  /** Slices of the series that is read. */
  slices: number;
  frames: number;
  /** Of the instance whose last frame is compared to its first. */
  manyFrames: number;
  /** Of the study during which memory is watched. */
  largeMegabytes: number;
  /** Requests of a store row. */
  stores: number;
  tinyStudies: number;
}

export const scales = {
  quick: {
    seconds: 1,
    slices: 200,
    frames: 60,
    manyFrames: 100_000,
    largeMegabytes: 256,
    stores: 24,
    tinyStudies: 100,
  },
  full: {
    seconds: 3,
    slices: 200,
    frames: 120,
    manyFrames: 100_000,
    largeMegabytes: 2048,
    stores: 80,
    tinyStudies: 1000,
  },
  /** To try the benchmark itself. */
  smoke: { seconds: 0.05, slices: 3, frames: 4, manyFrames: 50, largeMegabytes: 12, stores: 2, tinyStudies: 4 },
} satisfies Record<string, Scale>;

const seriesPerTinyStudy = 2;
const instancesPerTinySeries = 5;

/** Searches in an archive whose every study is known. */
export function searchRowsOf(archive: SearchedArchive, { seconds }: Scale): Row[] {
  const row = ({ id, title, make }: SearchRow, connections: number): Row => ({
    id: connections === 1 ? id : `${id}.c${connections}`,
    title: `${title}; ${archive.studies.length} studies${connections === 1 ? '' : `, c=${connections}`}`,
    unit: 'request/s',
    run: (server, round) => {
      const random = seededRandom(round + 1);
      return runLoop(server, { connections, seconds, next: () => make(random) });
    },
  });
  const rows = searchRows(archive);
  return [...rows.map((one) => row(one, 1)), ...rows.map((one) => row(one, 8))];
}

/** Fills empty servers with small studies, which the search rows then know. @returns what they hold */
export async function storeTinyArchive(
  servers: readonly Server[],
  seed: number,
  scale: Scale,
): Promise<SearchedArchive> {
  const token = makeToken(seed);
  const studies = Array.from({ length: scale.tinyStudies }, (_, index) => benchStudy(token, index));
  for (const { index } of studies) {
    const instances: BenchInstance[] = [];
    for (let series = 0; series < seriesPerTinyStudy; series++)
      for (let at = 0; at < instancesPerTinySeries; at++) instances.push(tinyInstance(token, index, series, at));
    const task = tasks.storeTask(instances);
    for (const server of servers) await runOnce(server, task);
  }
  return { token, studies, seriesPerStudy: seriesPerTinyStudy, instancesPerSeries: instancesPerTinySeries };
}

/** Reads and stores of whole objects. What is read is stored first, to every server. */
export async function objectRows(servers: readonly Server[], seed: number, scale: Scale): Promise<Row[]> {
  const token = makeToken(seed + 1);
  let fresh = 1000;
  const series = ctSlices(token, 0, scale.slices);
  const loop = multiFrame(token, 1, scale.frames);
  const many = manyFrames(token, 2, scale.manyFrames);
  for (const server of servers) {
    for (const task of storesOf(series, 20)) await runOnce(server, task);
    for (const instance of [loop, many]) await runOnce(server, tasks.storeTask([instance]));
  }
  const read = (id: string, title: string, make: (random: () => number) => Task, connections = 1): Row => ({
    id,
    title,
    unit: 'request/s',
    run: (server, round) => {
      const random = seededRandom(round + 1);
      return runLoop(server, { connections, seconds: scale.seconds, next: () => make(random) });
    },
  });
  const any = (random: () => number) => series[Math.floor(random() * series.length)]!;
  const store = (id: string, title: string, connections: number, each: number, isTiny = false): Row => ({
    id,
    title,
    unit: 'instance/s',
    // All bodies are made before the clock starts.
    run: (server) => {
      const count = Math.max(scale.stores * (each === 1 ? 4 : 1), connections);
      const work = Array.from({ length: count }, () => tasks.storeTask(freshInstances(token, fresh++, each, isTiny)));
      return runLoop(server, { connections, next: () => work.pop() });
    },
  });
  const again = tasks.seriesMetadataTask(series);
  const search = tasks.seriesSearchTask(series);
  return [
    {
      id: 'metadata.first',
      title: `metadata of a series (${scale.slices}), first read after its upload`,
      unit: 'ms',
      run: async (server) => {
        const uploaded = ctSlices(token, fresh++, scale.slices);
        for (const task of storesOf(uploaded, 20)) await runOnce(server, task);
        return runOnce(server, tasks.seriesMetadataTask(uploaded));
      },
    },
    read('metadata.again', `metadata of a series (${scale.slices}), again`, () => again),
    read('metadata.instance', 'metadata of a random instance', (random) => tasks.instanceMetadataTask(any(random))),
    read('search.slices', `QIDO instances of a series (${scale.slices})`, () => search),
    read('frame', 'one frame of a random CT instance', (random) =>
      tasks.frameTask(any(random), 0, 'application/octet-stream'),
    ),
    read('frame.loop', `random frame of a multi-frame (${scale.frames}, JPEG as stored)`, (random) =>
      tasks.frameTask(loop, Math.floor(random() * scale.frames), 'image/jpeg'),
    ),
    read('frame.first', `the first frame of ${scale.manyFrames}`, () =>
      tasks.frameTask(many, 0, 'application/octet-stream'),
    ),
    read('frame.last', `the last frame of ${scale.manyFrames}`, () =>
      tasks.frameTask(many, scale.manyFrames - 1, 'application/octet-stream'),
    ),
    read('instance', 'retrieve a random CT instance', (random) => tasks.instanceTask(any(random))),
    { ...read('series', `retrieve a series (${scale.slices})`, () => tasks.seriesTask(series)), unit: 'MB/s' },
    read('rendered', 'rendered, a random CT instance', (random) => tasks.pictureTask(any(random), 'rendered')),
    read('thumbnail', 'thumbnail, a random CT instance', (random) => tasks.pictureTask(any(random), 'thumbnail')),
    store('store.20', 'STOW CT, 20 a request, c=4', 4, 20),
    store('store.1', 'STOW CT, 1 a request, c=1', 1, 1),
    store('store.1.c4', 'STOW CT, 1 a request, c=4', 4, 1),
    store('store.tiny', 'STOW tiny, 20 a request, c=4', 4, 20, true),
    {
      id: 'mixed',
      title: 'one frame, c=1, while two connections store: p95',
      unit: 'ms',
      run: async (server, round) => {
        const random = seededRandom(round + 1);
        const work = Array.from({ length: 8 }, () => tasks.storeTask(freshInstances(token, fresh++, 20, false)));
        let isOver = false;
        // The same bodies again are stored instances that come once more: other work. New ones are made between.
        const next = () => work.pop() ?? tasks.storeTask(freshInstances(token, fresh++, 20, false));
        const writing = runLoop(server, { connections: 2, next, isStopped: () => isOver });
        const frame = () => tasks.frameTask(any(random), 0, 'application/octet-stream');
        const reading = await runLoop(server, { connections: 1, seconds: scale.seconds, next: frame });
        isOver = true;
        const { errors } = await writing;
        return { ...reading, medianMilliseconds: reading.p95Milliseconds, errors: [...reading.errors, ...errors] };
      },
    },
    largeStudyRow(token, () => fresh++, scale.largeMegabytes),
  ];
}

function freshInstances(token: string, study: number, count: number, isTiny: boolean): BenchInstance[] {
  return isTiny
    ? Array.from({ length: count }, (_, at) => tinyInstance(token, study, 0, at))
    : ctSlices(token, study, count);
}

function storesOf(instances: readonly BenchInstance[], each: number): Task[] {
  return Array.from({ length: Math.ceil(instances.length / each) }, (_, at) =>
    tasks.storeTask(instances.slice(at * each, (at + 1) * each)),
  );
}
