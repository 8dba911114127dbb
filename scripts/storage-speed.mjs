// Measures moving a series to S3 beside what the AWS SDK does with the same bytes in one PUT that streams them from a file.
//   node scripts/storage-speed.mjs [--megabytes 512] [--rounds 3]
// The bucket by S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY; after `npm run build`.
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PackBytes } from '../dist/libs/archive/src/index.js';
import { BlobStores, FilesystemBlobStore, S3BlobStore } from '../dist/libs/blobs/src/index.js';
import { copySeries, verifySeries } from '../dist/apps/storage/src/tiering/copy-series.js';

const { values } = parseArgs({
  options: { megabytes: { type: 'string', default: '512' }, rounds: { type: 'string', default: '3' } },
});
const megabytes = Number(values.megabytes);
const rounds = Number(values.rounds);
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

// A series of instances of half a megabyte, each a pack of its own, as a modality sends them.
const instanceBytes = 512 * 1024;
const instances = [];
const packRows = new Map();
const whole = createHash('sha256');
const file = path.join(folder, 'whole');
const handle = await open(file, 'wx');
for (let at = 0; at < megabytes * 1024 ** 2; at += instanceBytes) {
  const bytes = randomBytes(instanceBytes);
  whole.update(bytes);
  await handle.write(bytes);
  const writer = await hot.write();
  await writer.write(bytes);
  const { key, sha256 } = await writer.commit();
  const packId = key;
  packRows.set(packId, {
    packId,
    bytes: instanceBytes,
    sha256,
    copies: [{ locationId: key, tier: 'hot', store: 'local', key }],
  });
  instances.push({ instanceKey: instances.length, packId, offset: 0, length: instanceBytes, sha256 });
}
await handle.close();
const bytes = instances.length * instanceBytes;
const sha256 = whole.digest();
const layout = { instances, packs: packRows, bytes, digest: sha256, wholePackId: undefined };
const stores = new BlobStores({ hot, warm });
const packs = new PackBytes(undefined, stores);
const progress = { begun: async () => undefined, copied: async () => undefined, verifying: async () => undefined };
const { signal } = new AbortController();

const rate = (milliseconds) => bytes / 1e6 / (milliseconds / 1_000);
const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
async function timed(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

let rssMax = 0;
const watch = setInterval(() => (rssMax = Math.max(rssMax, process.memoryUsage().rss)), 50);
const rows = { put: [], copy: [], verify: [] };
const rss = { put: 0, move: 0 };
for (let round = 0; round <= rounds; round += 1) {
  rssMax = 0;
  const Key = `speed/put-${round}`;
  const put = await timed(async () => {
    await sdk.send(new PutObjectCommand({ Bucket: bucket, Key, Body: createReadStream(file), ContentLength: bytes }));
  });
  rss.put = Math.max(rss.put, rssMax);
  await sdk.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
  rssMax = 0;
  let key;
  const copy = await timed(async () => (key = await copySeries(layout, packs, warm, progress, signal)));
  const verify = await timed(() => verifySeries({ store: warm, key }, layout, progress, signal));
  rss.move = Math.max(rss.move, rssMax);
  await warm.delete(key);
  if (round === 0) continue; // the first warms up
  rows.put.push(rate(put));
  rows.copy.push(rate(copy));
  rows.verify.push(rate(verify));
  console.log(
    `round ${round}: one PUT ${rate(put).toFixed(0)} MB/s; move: write ${rate(copy).toFixed(0)} MB/s, read back ${rate(verify).toFixed(0)} MB/s`,
  );
}
clearInterval(watch);
const share = median(rows.copy) / median(rows.put);
console.log(
  `median of ${rounds}: one PUT ${median(rows.put).toFixed(0)} MB/s, write ${median(rows.copy).toFixed(0)} MB/s (${(100 * share).toFixed(0)} %), read back ${median(rows.verify).toFixed(0)} MB/s; ${instances.length} packs of ${instanceBytes} bytes; most memory: PUT ${(rss.put / 1e6).toFixed(0)} MB, move ${(rss.move / 1e6).toFixed(0)} MB`,
);
await rm(folder, { recursive: true, force: true });
process.exit(0);
