// Measures moving series to S3 beside what the AWS SDK does with the same bytes in one PUT that streams them from a file.
//   node scripts/storage-speed.mjs [--megabytes 256] [--series 2] [--rounds 3] [--at-once 2] [--only move]
//     [--server 123,456] [--whole]
// The bucket by S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY; after `npm run build`.
// `write` is what the PUT does too; `move` is also read back and compared; `moves` are so many series at once: two, as the job
// does it. `--whole`: each series came in one request, so that it is one pack already, and moves as it is. Of a server that runs here the processor time is told, too, by its process ids. Memory is told as it was on the
// average of each fifth of the time, and at most. That of one long series, and of ten:
//   node scripts/storage-speed.mjs --megabytes 1500 --series 1 --rounds 1 --only move
//   node scripts/storage-speed.mjs --megabytes 150 --series 10 --rounds 1 --only moves --at-once 10
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PackBytes } from '../dist/libs/archive/src/index.js';
import { BlobStores, FilesystemBlobStore, S3BlobStore } from '../dist/libs/blobs/src/index.js';
import { copyBlob, verifyCopy } from '../dist/apps/storage/src/tiering/copy-blob.js';
import { copySeries, verifySeries } from '../dist/apps/storage/src/tiering/copy-series.js';

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '256' },
    series: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    'at-once': { type: 'string', default: '2' },
    // The one or other of put, write, move, moves: for a profile.
    only: { type: 'string' },
    server: { type: 'string', default: '' },
    whole: { type: 'boolean', default: false },
  },
});
const megabytes = Number(values.megabytes);
const rounds = Number(values.rounds);
const atOnce = Number(values['at-once']);
const { S3_ENDPOINT: endpoint, S3_BUCKET: bucket = 'test', S3_REGION: region = 'us-east-1' } = process.env;
const credentials = { accessKeyId: process.env.S3_ACCESS_KEY_ID, secretAccessKey: process.env.S3_SECRET_ACCESS_KEY };

const folder = await mkdtemp(path.join(tmpdir(), 'isocenter-speed-'));
const hot = await FilesystemBlobStore.open('local', folder);
const warm = new S3BlobStore('s3', {
  endpoint,
  region,
  bucket,
  prefix: 'speed/',
  credentials,
  forcePathStyle: true,
  storageClass: undefined,
});
await warm.selfTest();
const sdk = new S3Client({
  endpoint,
  region,
  forcePathStyle: true,
  credentials,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
});
const stores = new BlobStores({ hot, warm });
const packs = new PackBytes(undefined, stores);
const progress = { begun: async () => undefined, copied: async () => undefined, verifying: async () => undefined };
const { signal } = new AbortController();

// Series of instances of half a megabyte, each a pack of its own, as a modality sends them.
const instanceBytes = 512 * 1024;
const file = path.join(folder, 'all-of-them');
const handle = await open(file, 'wx');
const layouts = [];
for (let number = 0; number < Number(values.series); number += 1)
  layouts.push(await (values.whole ? makePack() : makeSeries()));
await handle.close();
const bytes = layouts.reduce((sum, layout) => sum + layout.bytes, 0);

async function makeSeries() {
  const instances = [];
  const packRows = new Map();
  for (let at = 0; at < megabytes * 1024 ** 2; at += instanceBytes) {
    const content = randomBytes(instanceBytes);
    await handle.write(content);
    const writer = await hot.write();
    await writer.write(content);
    const { key, sha256 } = await writer.commit();
    const copies = [{ locationId: key, tier: 'hot', store: 'local', key }];
    packRows.set(key, { packId: key, bytes: instanceBytes, sha256, copies });
    instances.push({ instanceKey: instances.length, packId: key, offset: 0, length: instanceBytes, sha256 });
  }
  const digest = createHash('sha256').update(String(layouts.length)).digest();
  return { instances, packs: packRows, bytes: instances.length * instanceBytes, digest, wholePackId: undefined };
}

async function makePack() {
  const writer = await hot.write();
  for (let at = 0; at < megabytes * 1024 ** 2; at += instanceBytes) {
    const content = randomBytes(instanceBytes);
    await handle.write(content);
    await writer.write(content);
  }
  const { key, bytes: of, sha256 } = await writer.commit();
  return { source: { store: hot, key }, bytes: of, sha256, pieceBytes: null };
}

const keys = [];
const write = async (layout) => {
  const key = values.whole
    ? await copyBlob(layout.source, warm, layout, signal, progress)
    : await copySeries(layout, packs, warm, progress, signal);
  keys.push(key);
  return key;
};
const move = async (layout) => {
  const copy = { store: warm, key: await write(layout) };
  if (values.whole) await verifyCopy(copy, layout.source, layout, signal);
  else await verifySeries(copy, layout, progress, signal);
};
async function allOf(work, workers) {
  const left = [...layouts];
  await Promise.all(
    Array.from({ length: workers }, async () => {
      for (let layout = left.shift(); layout !== undefined; layout = left.shift()) await work(layout);
    }),
  );
}
const Key = 'speed/one-put';
const body = () => createReadStream(file, { highWaterMark: 256 * 1024 });
const ways = {
  put: () => sdk.send(new PutObjectCommand({ Bucket: bucket, Key, Body: body(), ContentLength: bytes })),
  write: () => allOf(write, 1),
  move: () => allOf(move, 1),
  moves: () => allOf(move, atOnce),
};
const chosen = Object.entries(ways).filter(([name]) => values.only === undefined || name === values.only);

// utime and stime, in hundredths of a second (proc(5)).
const serverCpu = () =>
  values.server
    .split(',')
    .filter((pid) => pid !== '')
    .map((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '))
    .reduce((sum, fields) => sum + 10 * (Number(fields[11]) + Number(fields[12])), 0);

let memory = [];
const watch = setInterval(() => memory.push(process.memoryUsage.rss() / 1e6), 20);
const seen = Object.fromEntries(chosen.map(([name]) => [name, { rates: [], cpu: [], served: [], memory: [] }]));
for (let round = 0; round <= rounds; round += 1) {
  chosen.push(chosen.shift()); // a server that grows slower is so for each of them
  for (const [name, work] of chosen) {
    memory = [];
    const cpu = process.cpuUsage();
    const served = serverCpu();
    const begun = performance.now();
    await work();
    const rate = bytes / 1e3 / (performance.now() - begun);
    const used = process.cpuUsage(cpu);
    const servedNow = serverCpu();
    for (const key of keys.splice(0)) await warm.delete(key);
    await sdk.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    if (round === 0 && rounds > 1) continue; // it warms up
    seen[name].rates.push(rate);
    seen[name].cpu.push((used.user + used.system) / 1e3 / (bytes / 1e6));
    seen[name].served.push((servedNow - served) / (bytes / 1e6));
    seen[name].memory = memory;
  }
  if (rounds === 1) break;
}
clearInterval(watch);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
const fifths = (numbers) =>
  Array.from({ length: 5 }, (_, part) =>
    mean(numbers.slice((part * numbers.length) / 5, ((part + 1) * numbers.length) / 5)).toFixed(0),
  );
console.log(
  `${layouts.length} series of ${megabytes} MiB${values.whole ? ', a pack each' : ' in packs of 512 KiB'}; median of ${rounds}`,
);
for (const [name, { rates, cpu, served, memory: samples }] of Object.entries(seen)) {
  // Round by round: what else the machine does changes less within one than between them.
  const shares = seen.put === undefined ? [] : rates.map((rate, round) => (100 * rate) / seen.put.rates[round]);
  const share = shares.length === 0 ? '' : `${median(shares).toFixed(0)} % of one PUT, `;
  console.log(
    `${name.padEnd(5)} ${median(rates).toFixed(0)} MB/s (${rates.map((rate) => rate.toFixed(0)).join(' ')}), ${share}` +
      `${median(cpu).toFixed(1)} ms of CPU a MB${values.server === '' ? '' : ` and ${median(served).toFixed(1)} of the server`}, MB resident ${fifths(samples).join(' ')}, at most ` +
      Math.max(...samples).toFixed(0),
  );
}
await rm(folder, { recursive: true, force: true });
process.exit(0);
