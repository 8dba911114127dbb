import { randomUUID } from 'node:crypto';
import type { Answer } from '../answer.js';
import { type Behaviour } from '../behaviour.js';
import type { ConformanceServer } from '../conformance-server.js';
import { type Dataset, firstText, firstValue, isDataset, itemsOf } from '../dataset.js';
import { storeBody } from '../store-body.js';

const area = 'store';

/** The Store Instances Response Module (PS3.18 Annex I) of an answer in JSON. */
function responseOf(answer: Answer): Dataset {
  answer.isOfType('application/dicom+json', 'application/json');
  const value = answer.json();
  const dataset = Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value;
  if (!isDataset(dataset)) return answer.fail('a DICOM JSON object');
  return dataset;
}

const storedIn = (dataset: Dataset) => itemsOf(dataset, '00081199').map((item) => firstText(item, '00081155'));
const failedIn = (dataset: Dataset) => [...itemsOf(dataset, '00081198'), ...itemsOf(dataset, '0008119A')];

/** The object as the server gives it back. */
async function retrieve(server: ConformanceServer, path: string): Promise<{ answer: Answer; bytes: Buffer }> {
  const answer = await server.get(path, 'multipart/related; type="application/dicom"; transfer-syntax=*');
  return { answer, bytes: answer.is(200).part().body };
}

async function isStoredAs(server: ConformanceServer, path: string, sent: Buffer): Promise<void> {
  const { answer, bytes } = await retrieve(server, path);
  answer.holds(bytes.equals(sent), `the ${sent.length} bytes that were sent`, `${bytes.length} bytes, or others`);
}

async function countOf(server: ConformanceServer, study: string): Promise<number> {
  const answer = await server.getJson(`/studies?StudyInstanceUID=${study}`);
  return answer.is(200, 204).status === 204 ? 0 : Number(firstValue(answer.dataset(), '00201208'));
}

const notDicom = Buffer.from('This is no DICOM object, whatever the header of its part says. '.repeat(8));

/** STOW-RS, PS3.18 10.5. */
export const store: readonly Behaviour[] = [
  {
    id: 'store.plain-parts',
    area,
    name: 'stores a body that begins with an empty line, its parts with a Content-Type and nothing else',
    source: 'dicomweb-client (JS)',
    level: 'required',
    async check(server) {
      const { bytes, path, uid } = server.make();
      const boundary = randomUUID();
      const body = Buffer.concat([
        Buffer.from(`\r\n--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`),
        bytes,
        Buffer.from(`\r\n--${boundary}--`),
      ]);
      const answer = await server.send('/studies', {
        method: 'POST',
        headers: { 'content-type': `multipart/related; type="application/dicom"; boundary="${boundary}"` },
        body,
      });
      answer.is(200);
      await isStoredAs(server, path, bytes);
      const again = await server.store([server.make().bytes]);
      again.is(200).holds(storedIn(responseOf(again)).length === 1, 'one ReferencedSOPSequence item');
      (await server.getJson(`${path}/metadata`)).is(200).holds(uid !== '', 'the instance');
    },
  },
  {
    id: 'store.xml-answer',
    area,
    name: 'answers in XML who accepts application/dicom+xml, success and failure alike',
    source: 'Weasis: reads XML of 202 and 409, takes anything else for an error; PS3.18 10.5.3.3',
    level: 'required',
    async check(server) {
      const { bytes, uid } = server.make();
      const boundary = randomUUID();
      const send = (object: Uint8Array) =>
        server.send('/studies', {
          method: 'POST',
          // As Weasis writes it: no space after the semicolons.
          headers: {
            'content-type': `multipart/related;type="application/dicom";boundary=${boundary}`,
            accept: 'application/dicom+xml',
          },
          body: storeBody([object], { boundary }).body,
        });
      const good = await send(bytes);
      good.is(200).isOfType('application/dicom+xml');
      good.holds(/<NativeDicomModel/.test(good.text) && good.text.includes(uid), `a NativeDicomModel with ${uid}`);
      const bad = await send(notDicom);
      bad.is(400, 409).isOfType('application/dicom+xml');
      bad.holds(/keyword="FailureReason"|tag="00081197"/.test(bad.text), 'a FailureReason');
    },
  },
  {
    id: 'store.chunked',
    area,
    name: 'stores a body without a Content-Length, sent in chunks',
    source: 'Python client: sends more than a megabyte this way',
    level: 'required',
    async check(server) {
      const { bytes, path } = server.make({ rows: 1000, columns: 1000 });
      const { contentType, body } = storeBody([bytes]);
      const chunks = Array.from({ length: Math.ceil(body.length / 60_000) }, (_, index) =>
        body.subarray(index * 60_000, (index + 1) * 60_000),
      );
      const answer = await server.send('/studies', {
        method: 'POST',
        headers: { 'content-type': contentType, accept: 'application/dicom+json' },
        body: chunks,
      });
      answer.is(200);
      await isStoredAs(server, path, bytes);
    },
  },
  {
    id: 'store.answer-content-type',
    area,
    name: 'answers as exactly application/dicom+json, without a charset',
    source: 'Python client: reads nothing from an answer of any other Content-Type',
    level: 'required',
    async check(server) {
      const { bytes, uid } = server.make();
      const answer = await server.store([bytes]);
      const type = answer.is(200).header('content-type');
      answer.holds(storedIn(responseOf(answer)).join() === uid, `${uid} in the ReferencedSOPSequence`);
      answer.holds(type === 'application/dicom+json', 'Content-Type application/dicom+json', type);
    },
  },
  {
    id: 'store.all-stored',
    area,
    name: 'answers 200 when all is stored, with where it is and without a FailedSOPSequence',
    source: 'PS3.18 10.5.3, table I.1-1',
    level: 'required',
    async check(server) {
      const made = [server.make(), server.make()];
      const answer = await server.store(made.map(({ bytes }) => bytes));
      const dataset = responseOf(answer.is(200));
      answer.holds(dataset['00081198'] === undefined, 'no FailedSOPSequence');
      for (const { uid } of made) answer.holds(storedIn(dataset).includes(uid), `${uid} in the ReferencedSOPSequence`);
      for (const item of itemsOf(dataset, '00081199')) {
        const url = firstText(item, '00081190');
        answer.holds(/^https?:\/\//.test(url), 'an absolute RetrieveURL of each', url || 'none');
        answer.holds(firstText(item, '00081150') !== '', 'ReferencedSOPClassUID of each');
      }
    },
  },
  {
    id: 'store.some-stored',
    area,
    name: 'answers 202 when a part fails, stores the others, and says what failed and why',
    source: 'PS3.18 10.5.3, I.2.2; one bad part must not cost the batch',
    level: 'required',
    async check(server) {
      const [first, second] = [server.make(), server.make()];
      const answer = await server.store([first.bytes, notDicom, second.bytes]);
      const dataset = responseOf(answer.is(202));
      for (const { uid } of [first, second]) {
        answer.holds(storedIn(dataset).includes(uid), `${uid} in the ReferencedSOPSequence`, storedIn(dataset).join());
      }
      const failures = failedIn(dataset);
      answer.holds(failures.length === 1, 'one failure', String(failures.length));
      const reason = failures[0]?.['00081197'];
      answer.holds(
        reason?.vr === 'US' && typeof reason.Value?.[0] === 'number',
        'a FailureReason of vr US, a number',
        JSON.stringify(reason),
      );
      await isStoredAs(server, first.path, first.bytes);
      await isStoredAs(server, second.path, second.bytes);
    },
  },
  {
    id: 'store.nothing-stored',
    area,
    name: 'answers 409 with the reason when nothing could be stored',
    source: 'PS3.18 10.5.3',
    level: 'required',
    async check(server) {
      const answer = await server.store([notDicom]);
      const [failure] = failedIn(responseOf(answer.is(409)));
      const reason = Number(firstValue(failure ?? {}, '00081197'));
      const isKnown =
        (reason >= 0xa700 && reason <= 0xa9ff) ||
        (reason >= 0xc000 && reason <= 0xcfff) ||
        [0x0110, 0x0122].includes(reason);
      answer.holds(isKnown, 'a FailureReason A7xx, A9xx, Cxxx, 0110 or 0122', reason.toString(16));
    },
  },
  {
    id: 'store.malformed',
    area,
    name: 'answers 400 to a body that is no multipart, 415 to another type, and stores nothing',
    source: 'PS3.18 10.5.3',
    level: 'required',
    async check(server) {
      const { bytes, study } = server.make();
      const { body } = storeBody([bytes], { boundary: 'one' });
      const cases: [string, Buffer, number[]][] = [
        ['multipart/related; type="application/dicom"', body, [400]],
        ['multipart/related; type="application/dicom"; boundary=another', body, [400]],
        ['multipart/related; type="image/png"; boundary=one', body, [415]],
        ['text/plain', body, [415]],
        ['multipart/form-data; boundary=one', body, [415]],
      ];
      for (const [type, bytesSent, statuses] of cases) {
        const answer = await server.send('/studies', {
          method: 'POST',
          headers: { 'content-type': type, accept: 'application/dicom+json' },
          body: bytesSent,
        });
        answer.is(...statuses);
      }
      const none = await server.send('/studies', { method: 'POST', body });
      none.is(400, 415);
      none.holds((await countOf(server, study)) === 0, 'nothing stored');
    },
  },
  {
    id: 'store.cut-off',
    area,
    name: 'stores nothing of an instance whose part is cut off',
    source: 'RFC 2046 5.1.1: without its boundary a part has no end',
    level: 'required',
    async check(server) {
      const { bytes, study } = server.make({ rows: 64, columns: 64 });
      const { contentType, body } = storeBody([bytes]);
      const answer = await server.send('/studies', {
        method: 'POST',
        headers: { 'content-type': contentType, accept: 'application/dicom+json' },
        body: body.subarray(0, body.length - 3000),
      });
      answer.is(400, 409);
      answer.holds((await countOf(server, study)) === 0, 'nothing stored');
    },
  },
  {
    id: 'store.coercion',
    area,
    name: 'keeps what it is given, or records in the stored object what it changed',
    source: 'PS3.18 10.5.3: Original Attributes Sequence',
    level: 'required',
    async check(server) {
      const { bytes, path } = server.make({ attributes: { '00080050': { vr: 'SH', Value: [' lower  '] } } });
      const stored = await server.store([bytes]);
      const items = itemsOf(responseOf(stored.is(200, 202)), '00081199');
      const { bytes: kept } = await retrieve(server, path);
      if (kept.equals(bytes)) {
        const warned = items.some((item) => firstValue(item, '00081196') === 0xb000);
        stored.holds(!warned, 'no warning of a coercion that did not happen');
        return;
      }
      const metadata = await server.getJson(`${path}/metadata`);
      metadata.holds(
        itemsOf(metadata.dataset(), '04000561').length > 0,
        'OriginalAttributesSequence, as the bytes differ',
      );
    },
  },
  {
    id: 'store.study-of-the-path',
    area,
    name: 'stores below /studies/{uid} what belongs there and fails the rest, one by one',
    source: 'PS3.18 10.5.1.1: the Study Instance UID of the target',
    level: 'required',
    async check(server) {
      const [mine, other] = [server.make(), server.make()];
      const answer = await server.store([mine.bytes, other.bytes], { study: mine.study });
      const dataset = responseOf(answer.is(202));
      answer.holds(storedIn(dataset).join() === mine.uid, `only ${mine.uid} stored`, storedIn(dataset).join());
      const [failure] = failedIn(dataset);
      answer.holds(firstText(failure ?? {}, '00081155') === other.uid, `a failure of ${other.uid}`);
      answer.holds((await countOf(server, other.study)) === 0, 'nothing of the other study stored');
      (await server.store([other.bytes], { study: mine.study })).is(409);
    },
  },
  {
    id: 'store.again',
    area,
    name: 'answers 200 to the same instance once more and counts it once',
    source: 'senders repeat what was not acknowledged; PS3.18 10.5.2',
    level: 'required',
    async check(server) {
      const { bytes, path, study } = await server.put();
      for (let turn = 0; turn < 2; turn++) {
        const answer = await server.store([bytes]);
        answer.is(200).holds((await countOf(server, study)) === 1, 'one instance');
      }
      const twice = await server.store([bytes, bytes]);
      twice.is(200, 202).holds((await countOf(server, study)) === 1, 'one instance');
      await isStoredAs(server, path, bytes);
    },
  },
  {
    id: 'store.other-bytes',
    area,
    name: 'never mixes two contents sent under one SOP Instance UID: keeps one, whole, and says what it did',
    source: 'PS3.5 9: a UID names one instance; servers lost both to it',
    level: 'required',
    async check(server) {
      const first = await server.put({ rows: 20, columns: 20 });
      const second = server.make({
        studyInstanceUid: first.study,
        seriesInstanceUid: first.series,
        sopInstanceUid: first.uid,
        rows: 30,
        columns: 30,
        seed: 2,
      });
      const answer = await server.store([second.bytes]);
      answer.is(200, 202, 409);
      answer.holds((await countOf(server, first.study)) === 1, 'one instance');
      const isRefused = answer.status === 409 || failedIn(responseOf(answer)).length > 0;
      const { answer: retrieved, bytes: kept } = await retrieve(server, first.path);
      // A server may acknowledge and keep the first, as C-STORE servers do; it must be one of the two, whole.
      retrieved.holds(
        kept.equals(first.bytes) || (!isRefused && kept.equals(second.bytes)),
        isRefused ? 'the first content, as the second was refused' : 'one of the two contents, whole',
      );
    },
  },
  {
    id: 'store.at-once',
    area,
    name: 'stores one instance once when it is sent several times at the same moment',
    source: 'senders with several connections; servers answered with deadlocks and duplicates',
    level: 'required',
    async check(server) {
      const { bytes, path, study } = server.make({ rows: 64, columns: 64 });
      const answers = await Promise.all(Array.from({ length: 6 }, () => server.store([bytes])));
      for (const answer of answers) answer.is(200);
      answers[0]!.holds((await countOf(server, study)) === 1, 'one instance');
      await isStoredAs(server, path, bytes);
    },
  },
  {
    id: 'store.metadata-and-bulk-data',
    area,
    name: 'stores metadata with bulk data in parts of its own, or answers 415',
    source: 'PS3.18 10.5.1.4, 8.6.1.2.2 (optional)',
    level: 'required',
    async check(server) {
      const [study, series, uid] = ['study', 'series', 'uid'].map((name) => server.uid(`metadata ${name}`)) as [
        string,
        string,
        string,
      ];
      const pixels = Buffer.from(Array.from({ length: 64 }, (_, at) => at * 3));
      server.make({ studyInstanceUid: study }); // so that it is taken away afterwards
      const metadata = {
        '00080016': { vr: 'UI', Value: ['1.2.840.10008.5.1.4.1.1.7'] },
        '00080018': { vr: 'UI', Value: [uid] },
        '00080020': { vr: 'DA', Value: ['20240101'] },
        '00080060': { vr: 'CS', Value: ['OT'] },
        '00083002': { vr: 'UI', Value: ['1.2.840.10008.1.2.1'] },
        '00100010': { vr: 'PN', Value: [{ Alphabetic: `Conf${server.run}^Metadata` }] },
        '00100020': { vr: 'LO', Value: [server.patientId('META')] },
        '0020000D': { vr: 'UI', Value: [study] },
        '0020000E': { vr: 'UI', Value: [series] },
        '00280002': { vr: 'US', Value: [1] },
        '00280004': { vr: 'CS', Value: ['MONOCHROME2'] },
        '00280010': { vr: 'US', Value: [8] },
        '00280011': { vr: 'US', Value: [8] },
        '00280100': { vr: 'US', Value: [8] },
        '00280101': { vr: 'US', Value: [8] },
        '00280102': { vr: 'US', Value: [7] },
        '00280103': { vr: 'US', Value: [0] },
        '7FE00010': { vr: 'OB', BulkDataURI: 'bulk/pixels' },
      };
      const boundary = randomUUID();
      const body = Buffer.concat([
        Buffer.from(`--${boundary}\r\nContent-Type: application/dicom+json\r\n\r\n${JSON.stringify([metadata])}\r\n`),
        Buffer.from(
          `--${boundary}\r\nContent-Type: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1\r\nContent-Location: bulk/pixels\r\n\r\n`,
        ),
        pixels,
        Buffer.from(`\r\n--${boundary}--\r\n`),
      ]);
      const answer = await server.send('/studies', {
        method: 'POST',
        headers: {
          'content-type': `multipart/related; type="application/dicom+json"; boundary=${boundary}`,
          accept: 'application/dicom+json',
        },
        body,
      });
      if (answer.is(200, 202, 415).status === 415) return;
      const frames = await server.get(
        `/studies/${study}/series/${series}/instances/${uid}/frames/1`,
        'multipart/related; type="application/octet-stream"; transfer-syntax=*',
      );
      frames.is(200).holds(frames.part().body.equals(pixels), 'the pixels of the bulk data part');
    },
  },
];
