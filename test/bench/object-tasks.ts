import { multipartBody } from '../support/multipart.js';
import type { Answer } from './connection.js';
import { headerOf } from './connection.js';
import type { BenchInstance } from './corpus.js';
import type { Task } from './measure.js';

const json = 'application/dicom+json';

/** STOW-RS of some instances in one request: each must be named as stored. */
export function storeTask(instances: readonly BenchInstance[]): Task {
  const { contentType, body } = multipartBody(
    instances.map(({ part10 }) => part10),
    { boundary: 'isocenter-benchmark-part' },
  );
  return {
    request: { method: 'POST', path: '/studies', accept: json, contentType, body: [body] },
    amount: instances.length,
    check: (answer) => {
      if (answer.status !== 200) return `status ${answer.status}: ${answer.body.toString().slice(0, 200)}`;
      const response = [JSON.parse(answer.body.toString())].flat()[0] as Record<
        string,
        { Value?: Record<string, { Value?: string[] }>[] }
      >;
      const stored = new Set(response['00081199']?.Value?.map((item) => item['00081155']?.Value?.[0]));
      const lost = instances.filter(({ sopInstanceUid }) => !stored.has(sopInstanceUid));
      return lost.length === 0 ? undefined : `${lost.length} of ${instances.length} are not said to be stored`;
    },
  };
}

const seriesPath = ({ study, seriesInstanceUid }: BenchInstance) =>
  `/studies/${study.studyInstanceUid}/series/${seriesInstanceUid}`;
const instancePath = (instance: BenchInstance) => `${seriesPath(instance)}/instances/${instance.sopInstanceUid}`;

export function seriesMetadataTask(series: readonly BenchInstance[]): Task {
  return metadataTask(`${seriesPath(series[0]!)}/metadata`, series);
}

export function instanceMetadataTask(instance: BenchInstance): Task {
  return metadataTask(`${instancePath(instance)}/metadata`, [instance]);
}

function metadataTask(path: string, instances: readonly BenchInstance[]): Task {
  const wanted = new Set(instances.map(({ sopInstanceUid }) => sopInstanceUid));
  const check = onceForEachLength((answer) => {
    const datasets = JSON.parse(answer.body.toString()) as Record<string, { Value?: unknown[] }>[];
    const uids = new Set(datasets.map((dataset) => String(dataset['00080018']?.Value?.[0])));
    if (uids.size !== wanted.size || datasets.length !== wanted.size) return `metadata of ${datasets.length} instances`;
    if ([...uids].some((uid) => !wanted.has(uid))) return 'metadata of other instances';
    return datasets.every((dataset) => Number(dataset['00280010']?.Value?.[0]) > 0) ? undefined : 'metadata lacks Rows';
  });
  return { request: { path, accept: json }, check };
}

/** A search for all instances of a series. */
export function seriesSearchTask(series: readonly BenchInstance[]): Task {
  const wanted = new Set(series.map(({ sopInstanceUid }) => sopInstanceUid));
  return {
    request: { path: `${seriesPath(series[0]!)}/instances`, accept: json },
    check: onceForEachLength((answer) => {
      const results = JSON.parse(answer.body.toString()) as Record<string, { Value?: unknown[] }>[];
      const uids = new Set(results.map((result) => String(result['00080018']?.Value?.[0])));
      return uids.size === wanted.size && results.length === wanted.size && [...uids].every((uid) => wanted.has(uid))
        ? undefined
        : `${results.length} results where there are ${wanted.size}`;
    }),
  };
}

/** @param frame from 0 */
export function frameTask(instance: BenchInstance, frame: number, mediaType: string): Task {
  const stored = instance.frames[frame]!;
  return {
    request: {
      path: `${instancePath(instance)}/frames/${frame + 1}`,
      accept: `multipart/related; type="${mediaType}"${mediaType === 'image/jpeg' ? '; transfer-syntax=1.2.840.10008.1.2.4.50' : ''}`,
    },
    check: withStatus((answer) => {
      const [part, ...more] = partsOf(answer);
      if (part === undefined || more.length > 0) return `${more.length + 1} parts where there is one frame`;
      // A frame may come without the byte that makes its length even.
      return part.equals(stored) || (stored.at(-1) === 0 && part.equals(stored.subarray(0, -1)))
        ? undefined
        : `a frame of ${part.length} bytes that is not the stored one`;
    }),
  };
}

const allSyntaxes = 'multipart/related; type="application/dicom"; transfer-syntax=*';

/** Part 10 as it is given out, whose pixels must be those stored. */
export function instanceTask(instance: BenchInstance): Task {
  return {
    request: { path: instancePath(instance), accept: allSyntaxes },
    check: withStatus((answer) => checkObjects(answer, [instance])),
  };
}

/** The whole series, counted in MB. */
export function seriesTask(series: readonly BenchInstance[]): Task {
  const bytes = series.reduce((sum, { part10 }) => sum + part10.length, 0);
  return {
    request: { path: seriesPath(series[0]!), accept: allSyntaxes },
    amount: bytes / 1e6,
    check: withStatus((answer) => checkObjects(answer, series)),
  };
}

/** A series that is too large to be compared. @param bytes of its instances as they were sent */
export function seriesBytesTask(one: BenchInstance, bytes: number): Task {
  return {
    request: { path: seriesPath(one), accept: allSyntaxes },
    amount: bytes / 1e6,
    check: (answer) => {
      if (answer.status !== 200) return `status ${answer.status}`;
      return answer.bytes > 0.99 * bytes ? undefined : `${answer.bytes} bytes of a series of ${bytes}`;
    },
  };
}

export function pictureTask(instance: BenchInstance, kind: 'rendered' | 'thumbnail'): Task {
  return {
    request: { path: `${instancePath(instance)}/${kind}`, accept: 'image/jpeg' },
    check: withStatus(({ body }) =>
      body.length > 200 && body.readUInt16BE(0) === 0xffd8 && body.readUInt16BE(body.length - 2) === 0xffd9
        ? undefined
        : 'not a whole JPEG',
    ),
  };
}

function checkObjects(answer: Answer, instances: readonly BenchInstance[]): string | undefined {
  const parts = partsOf(answer);
  if (parts.length !== instances.length) return `${parts.length} parts where there are ${instances.length}`;
  const left = new Map(instances.map((instance) => [instance.sopInstanceUid, instance.frames[0]!]));
  for (const part of parts) {
    if (part.toString('latin1', 128, 132) !== 'DICM') return 'a part that is not Part 10';
    const head = part.toString('latin1', 132, 4096);
    const uid = head.match(/2\.25\.\d+/g)?.find((found) => left.has(found));
    const pixels = uid === undefined ? undefined : left.get(uid);
    if (pixels === undefined) return 'a part that is none of the instances';
    if (!part.subarray(part.length - pixels.length).equals(pixels)) return `pixels of ${uid} that are not those stored`;
    left.delete(uid!);
  }
  return undefined;
}

/** The bodies of a multipart answer (RFC 2046). Pixels are jumped over where a part says how long it is. */
export function partsOf(answer: Answer): Buffer[] {
  const boundary = /boundary="?([^";]+)/.exec(headerOf(answer, 'content-type') ?? '')?.[1];
  if (boundary === undefined) return [];
  const delimiter = `--${boundary}`;
  const { body } = answer;
  const parts: Buffer[] = [];
  let at = body.indexOf(delimiter);
  while (at !== -1 && body.toString('latin1', at + delimiter.length, at + delimiter.length + 2) !== '--') {
    const start = body.indexOf('\r\n\r\n', at) + 4;
    const length = Number(/content-length: *(\d+)/i.exec(body.toString('latin1', at, start))?.[1] ?? 0);
    const next = body.indexOf(`\r\n${delimiter}`, start + length);
    if (next === -1) break;
    parts.push(body.subarray(start, next));
    at = next + 2;
  }
  return parts;
}

function withStatus(check: Task['check']): Task['check'] {
  return (answer) => (answer.status === 200 ? check(answer) : `status ${answer.status}`);
}

/** Long answers that are byte for byte as long as one that was right are not taken apart again. */
function onceForEachLength(check: Task['check']): Task['check'] {
  const right = new Set<number>();
  return withStatus((answer) => {
    if (right.has(answer.bytes)) return undefined;
    const problem = check(answer);
    if (problem === undefined) right.add(answer.bytes);
    return problem;
  });
}
