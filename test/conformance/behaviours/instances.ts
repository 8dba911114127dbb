import { type Behaviour, Mismatch } from '../behaviour.js';
import { noise } from '../fixtures.js';
import { parameterOf } from '../read-parts.js';

const area = 'instances';
const wholeAsStored = 'multipart/related; type="application/dicom"; transfer-syntax=*';

/** Names of the entries of a zip file, from its central directory. */
function zipNames(zip: Buffer): string[] {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const names: string[] = [];
  if (end === -1) return names;
  for (let at = zip.readUInt32LE(end + 16); at < end && zip.readUInt32LE(at) === 0x02014b50;) {
    const lengths = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset)) as [number, number, number];
    names.push(zip.toString('utf8', at + 46, at + 46 + lengths[0]));
    at += 46 + lengths[0] + lengths[1] + lengths[2];
  }
  return names;
}

const isPart10 = (bytes: Buffer) => bytes.toString('latin1', 128, 132) === 'DICM';

/** Whole instances, their bulk data, and HTTP around them. */
export const instances: readonly Behaviour[] = [
  {
    id: 'instances.single-part',
    area,
    name: 'gives one instance bare to Accept: application/dicom, and in a part where multipart is asked for',
    source: 'PS3.18 10.4.1.1.1, 8.7.3.5; Python client warns of the first where it asked for the second',
    level: 'required',
    async check(server) {
      const { path, bytes } = (await server.fixture('chest')).instances[0]!;
      const bare = await server.get(path, 'application/dicom; transfer-syntax=*');
      bare.is(200).isOfType('application/dicom').holds(bare.body.equals(bytes), 'the object as it was stored');
      bare.holds(
        parameterOf(bare.header('content-type'), 'transfer-syntax') !== undefined,
        'a transfer-syntax parameter',
        bare.header('content-type'),
      );
      const part = await server.get(path, 'multipart/related; type="application/dicom"');
      part.is(200).holds(isPart10(part.part().body), 'a Part 10 object');
    },
  },
  {
    id: 'instances.default-syntax',
    area,
    name: 'gives instances in Explicit VR Little Endian when no transfer syntax is named',
    source: 'PS3.18 8.7.3.1: the default',
    level: 'required',
    async check(server) {
      for (const { path, frames } of (await server.fixture('encodings')).instances) {
        const answer = await server.get(path, 'multipart/related; type="application/dicom"');
        const { body } = answer.is(200).part();
        answer.holds(isPart10(body), 'a Part 10 object');
        answer.holds(body.includes('1.2.840.10008.1.2.1\0'), 'Transfer Syntax UID 1.2.840.10008.1.2.1');
        answer.holds(body.includes(Buffer.from(frames[0]!)), 'the pixels in little endian');
      }
    },
  },
  {
    id: 'instances.zip',
    area,
    name: 'gives a study, a series and an instance as application/zip',
    source: 'PS3.18 8.7.3.1 (optional); what people download',
    level: 'recommended',
    async check(server) {
      const { studies, instances: sent } = await server.fixture('chest');
      const { series, path } = sent[0]!;
      for (const [resource, count] of [
        [`/studies/${studies[0]}`, 4],
        [`/studies/${studies[0]}/series/${series}`, 3],
        [path, 1],
      ] as const) {
        const answer = await server.get(resource, 'application/zip');
        answer.is(200).isOfType('application/zip');
        answer.holds(answer.body.toString('latin1', 0, 2) === 'PK', 'a zip file');
        const names = zipNames(answer.body);
        answer.holds(new Set(names).size === count, `${count} entries`, names.join(' ') || 'none');
        const isSane = (name: string) =>
          /^[\w./-]+$/.test(name) && !name.startsWith('/') && !name.split('/').includes('..');
        answer.holds(
          names.every(isSane),
          'names that any system takes and that stay where they are unpacked',
          names.join(' '),
        );
      }
    },
  },
  {
    id: 'instances.whole-study',
    area,
    name: 'gives a study and a series whole, byte for byte as stored, and properly ended',
    source: 'PS3.18 10.4.1.1.1; Python client and Weasis read the parts as they come',
    level: 'required',
    async check(server) {
      const { studies, instances: sent } = await server.fixture('long');
      for (const resource of [`/studies/${studies[0]}`, `/studies/${studies[0]}/series/${sent[0]!.series}`]) {
        const answer = await server.get(resource, wholeAsStored);
        const came = new Set(
          answer
            .is(200)
            .parts()
            .map(({ body }) => body.toString('base64')),
        );
        const missing = sent.filter(({ bytes }) => !came.has(bytes.toString('base64')));
        answer.holds(
          missing.length === 0,
          `${sent.length} instances as they were sent`,
          `without ${missing.length} of them`,
        );
        answer.holds(came.size === sent.length, `${sent.length} parts`, String(came.size));
      }
    },
  },
  {
    id: 'instances.partly-convertible',
    area,
    name: 'gives what it can in the transfer syntax asked for with 206, and 406 when it can none',
    source: 'PS3.18 10.4.3.1, PS3.2 N.7.3: 206; Weasis takes what is below 400',
    level: 'required',
    async check(server) {
      const study = server.uid('partly convertible');
      const common = { studyInstanceUid: study, rows: 16, columns: 16 };
      const jpeg = '1.2.840.10008.1.2.4.50';
      await server.put({ ...common, modality: 'US', samplesPerPixel: 3, transferSyntaxUid: jpeg });
      // Pixels of 32 bits: no transfer syntax of twelve bits or less holds them.
      const other = await server.put({ ...common, modality: 'RTDOSE', bitsAllocated: 32 });
      const accept = `multipart/related; type="application/dicom"; transfer-syntax=${jpeg}`;
      const some = await server.get(`/studies/${study}`, accept);
      const parts = some.is(206).parts();
      some.holds(
        parts.length === 1 && parts[0]!.body.includes(jpeg),
        'the one instance that is JPEG',
        `${parts.length} parts`,
      );
      (await server.get(other.path, accept)).is(406);
    },
  },
  {
    id: 'instances.deleted',
    area,
    name: 'answers 410 for what was deleted',
    source: 'PS3.18 10.4.3.1: 410 where the server knows that it was there',
    level: 'recommended',
    needs: 'delete',
    async check(server) {
      const { path } = await server.put();
      const removed = await server.send(path, { method: 'DELETE' });
      removed.holds(removed.status >= 200 && removed.status < 300, 'status 2xx');
      for (const resource of [path, `${path}/metadata`, `${path}/frames/1`, `${path}/rendered`]) {
        (await server.get(resource)).is(410);
      }
    },
  },
  {
    id: 'instances.byte-ranges',
    area,
    name: 'gives a range of the bytes of bulk data, and 416 past its end',
    source: 'RFC 9110 14; cornerstone reads the whole size from Content-Range',
    level: 'recommended',
    async check(server) {
      const { path } = (await server.fixture('odd')).instances[0]!;
      const metadata = await server.getJson(`${path}/metadata`);
      const address = metadata.dataset()['00282000']?.BulkDataURI;
      if (address === undefined) return metadata.fail('a BulkDataURI for 70,000 bytes', 'none');
      const url = new URL(address, `${server.base.href}${path}/metadata`);
      const resource = url.href.slice(server.base.href.length);
      const accept = 'application/octet-stream; transfer-syntax=*';
      const part = await server.get(resource, accept, { range: 'bytes=10-65535' });
      part
        .is(206)
        .holds(
          part.body.equals(noise(70_000, 4).subarray(10, 65_536)),
          'bytes 10 to 65535',
          `${part.body.length} bytes`,
        );
      part.holds(
        part.header('content-range') === 'bytes 10-65535/70000',
        'Content-Range bytes 10-65535/70000',
        part.header('content-range'),
      );
      const last = await server.get(resource, accept, { range: 'bytes=-100' });
      last.is(206).holds(last.body.equals(noise(70_000, 4).subarray(-100)), 'the last hundred bytes');
      (await server.get(resource, accept, { range: 'bytes=70000-' })).is(416);
      const whole = await server.get(resource, accept);
      whole
        .is(200)
        .holds(
          whole.header('accept-ranges') === 'bytes',
          'Accept-Ranges: bytes',
          whole.header('accept-ranges') || 'none',
        );
      // Several ranges may be answered with the whole.
      (await server.get(resource, accept, { range: 'bytes=0-9,20-29' })).is(200, 206);
    },
  },
  {
    id: 'instances.frame-byte-ranges',
    area,
    name: 'gives a range of the bytes of a frame',
    source: 'cornerstone: progressive loading asks for bytes=0-65535 of frames',
    level: 'recommended',
    async check(server) {
      const { path, frames } = (await server.fixture('chest')).instances[0]!;
      const answer = await server.get(`${path}/frames/1`, 'application/octet-stream; transfer-syntax=*', {
        range: 'bytes=0-63',
      });
      answer.is(206).holds(answer.body.equals(Buffer.from(frames[0]!).subarray(0, 64)), 'the first 64 bytes');
      answer.holds(
        answer.header('content-range') === 'bytes 0-63/128',
        'Content-Range bytes 0-63/128',
        answer.header('content-range'),
      );
    },
  },
  {
    id: 'instances.lengths',
    area,
    name: 'answers frames with 200 and a Content-Length or in chunks, the length being true',
    source: 'cornerstone: insists on 200 and shows progress by Content-Length',
    level: 'required',
    async check(server) {
      const { path } = (await server.fixture('chest')).instances[0]!;
      const answer = await server.get(
        `${path}/frames/1`,
        'multipart/related; type="application/octet-stream"; transfer-syntax=*',
      );
      answer.is(200).holds(answer.part().body.length === 128, 'a frame of 128 bytes');
      const length = answer.is(200).header('content-length');
      answer.holds(
        length === '' ? answer.header('transfer-encoding') === 'chunked' : Number(length) === answer.body.length,
        'Content-Length of the body, or Transfer-Encoding: chunked',
        length,
      );
    },
  },
  {
    id: 'instances.cross-origin',
    area,
    name: 'lets pages of an allowed origin ask, preflight without a token, and read what they need',
    source: 'Fetch standard; every browser viewer from another origin',
    level: 'required',
    needs: 'origin',
    async check(server) {
      const origin = server.options.origin!;
      const { path } = (await server.fixture('chest')).instances[0]!;
      const preflight = await server.send(`${path}/frames/1`, {
        method: 'OPTIONS',
        headers: {
          authorization: '',
          origin,
          'access-control-request-method': 'GET',
          'access-control-request-headers': 'authorization,accept,range,if-none-match,content-type',
        },
      });
      preflight.is(200, 204);
      const allowed = preflight.header('access-control-allow-headers').toLowerCase();
      for (const name of ['authorization', 'accept', 'range', 'if-none-match', 'content-type']) {
        preflight.holds(allowed.includes(name), `Access-Control-Allow-Headers with ${name}`, allowed || 'none');
      }
      const answer = await server.get(`${path}/metadata`, 'application/dicom+json', { origin });
      const allows = answer.is(200).header('access-control-allow-origin');
      answer.holds([origin, '*'].includes(allows), `Access-Control-Allow-Origin: ${origin}`, allows || 'none');
      const exposed = answer.header('access-control-expose-headers').toLowerCase();
      for (const name of ['content-range', 'etag', 'warning', 'location', 'content-location', 'accept-ranges']) {
        answer.holds(exposed.includes(name), `Access-Control-Expose-Headers with ${name}`, exposed || 'none');
      }
    },
  },
  {
    id: 'instances.unchanged',
    area,
    name: 'gives ETags, answers 304 to who has the thing already, and HEAD like GET',
    source: 'RFC 9110 13.1.2, 9.3.2; viewers and caches ask again and again',
    level: 'recommended',
    async check(server) {
      const { path } = (await server.fixture('chest')).instances[0]!;
      for (const [resource, accept] of [
        [`${path}/metadata`, 'application/dicom+json'],
        [`${path}/frames/1`, 'multipart/related; type="application/octet-stream"; transfer-syntax=*'],
        [path, wholeAsStored],
      ] as const) {
        const answer = await server.get(resource, accept);
        const etag = answer.is(200).header('etag');
        answer.holds(/^(W\/)?".*"$/.test(etag), 'an ETag', etag || 'none');
        const again = await server.get(resource, accept, { 'if-none-match': etag });
        again.is(304).holds(again.body.length === 0, 'no body with 304');
        const other = await server.get(resource, accept, { 'if-none-match': '"another"' });
        other.is(200);
        const head = await server.send(resource, { method: 'HEAD', headers: { accept } });
        head.is(200).holds(head.body.length === 0, 'no body to HEAD');
      }
    },
  },
  {
    id: 'instances.unknown',
    area,
    name: 'answers 404 for studies, series, instances and bulk data that are not there',
    source: 'PS3.18 10.4.3.1',
    level: 'required',
    async check(server) {
      const { study, series, uid } = (await server.fixture('chest')).instances[0]!;
      const none = server.uid('none');
      for (const resource of [
        `/studies/${none}`,
        `/studies/${study}/series/${none}`,
        `/studies/${study}/series/${series}/instances/${none}`,
        `/studies/${study}/series/${none}/instances/${uid}`,
        `/studies/${none}/series/${series}/instances/${uid}`,
      ]) {
        (await server.get(resource, wholeAsStored)).is(404);
        const metadata = await server.getJson(`${resource}/metadata`);
        if (metadata.status === 200)
          throw new Mismatch(`GET ${resource}/metadata\n  expected: status 404\n  came:     200`);
        metadata.is(404);
      }
    },
  },
];
