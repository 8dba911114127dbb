import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request to S3 as a test sees it. */
export interface S3Request {
  /** GET, PUT … */
  method: string;
  /** What it is in S3's terms. */
  operation: S3Operation;
  /** Behind the bucket. */
  key: string;
  range: string | undefined;
  headers: IncomingHttpHeaders;
  /** Counting from 1, over all requests. */
  number: number;
}

export type S3Operation =
  | 'GetObject'
  | 'HeadObject'
  | 'PutObject'
  | 'CopyObject'
  | 'DeleteObject'
  | 'RestoreObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload'
  | 'List'
  | 'Bucket';

/** What goes wrong with a request. */
export type Fault =
  /** An error answer, before the server hears of the request. */
  | { kind: 'status'; status: number; code: string }
  /** Nothing comes, and the connection stays open. */
  | { kind: 'hang' }
  /** The connection breaks when so many bytes of the answer's body are out. */
  | { kind: 'reset'; afterBytes: number }
  /** The server has done what was asked, and its answer is lost. */
  | { kind: 'lost-answer' }
  /** A shorter body, and a Content-Length that agrees with it. */
  | { kind: 'truncate'; bytes: number }
  /** The right number of bytes, one of them another. */
  | { kind: 'flip'; at: number }
  /** Status 200, and an error for a body: so S3 answers what took long and failed. */
  | { kind: 'ok-with-error'; code: string };

export interface FaultProxy {
  endpoint: string;
  /** All since the last {@link forget}. */
  readonly requests: S3Request[];
  forget(): void;
  /** Asked for every request; undefined: it is passed on. */
  fault: (request: S3Request) => Fault | undefined;
  /** How often each fault was done. */
  readonly done: Map<Fault['kind'], number>;
  /** Lets it speak for another server on: after a restart, on another port. */
  target: string;
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** Objects copied into these classes can be read only after a restore, which takes so long. */
  archive?: { classes: string[]; restoreMilliseconds: number; lifecycle?: Lifecycle };
}

/** A rule of the bucket: what is copied to a key under the prefix goes into the class so long after. */
export interface Lifecycle {
  prefix: string;
  storageClass: string;
  afterMilliseconds: number;
}

/** An object of an archive class. */
interface ArchivedObject {
  storageClass: string;
  /** When the rule of the bucket puts it there. */
  archivedAt: number;
  readableAt?: number;
  /** What was given as x-amz-meta-…; undefined: what the object was written with. */
  metadata?: Record<string, string>;
}

/**
 * An HTTP proxy before an S3 server that counts what is asked and does what networks and servers do. With `archive` it
 * does what the archive classes of Amazon S3 do before a server that has none: 403 InvalidObjectState, RestoreObject,
 * x-amz-restore.
 */
export async function startFaultProxy(target: string, { archive }: ProxyOptions = {}): Promise<FaultProxy> {
  let number = 0;
  const archived = new Map<string, ArchivedObject>();
  const server = createServer((incoming, outgoing) => {
    const seen = describe(incoming, (number += 1));
    proxy.requests.push(seen);
    const fault = proxy.fault(seen);
    if (fault !== undefined) proxy.done.set(fault.kind, (proxy.done.get(fault.kind) ?? 0) + 1);
    if (fault?.kind === 'status') return answerError(incoming, outgoing, fault.status, fault.code);
    if (fault?.kind === 'hang') return void incoming.resume();
    if (archive !== undefined && answerForArchive(incoming, outgoing, seen)) return;
    forward(incoming, outgoing, fault);
  });

  function answerForArchive(incoming: IncomingMessage, outgoing: ServerResponse, seen: S3Request): boolean {
    const storageClass = incoming.headers['x-amz-storage-class'];
    const object = archived.get(seen.key);
    if (seen.operation === 'List' && (incoming.url ?? '').includes('lifecycle') && archive!.lifecycle !== undefined) {
      const { prefix, storageClass: to } = archive!.lifecycle;
      incoming.resume();
      outgoing.writeHead(200, { 'content-type': 'application/xml' });
      outgoing.end(
        `<LifecycleConfiguration><Rule><ID>to-${to}</ID><Filter><Prefix>${prefix}</Prefix></Filter><Status>Enabled</Status>` +
          `<Transition><Days>1</Days><StorageClass>${to}</StorageClass></Transition></Rule></LifecycleConfiguration>`,
      );
      return true;
    }
    if (
      seen.operation === 'CopyObject' &&
      typeof storageClass === 'string' &&
      archive!.classes.includes(storageClass)
    ) {
      const metadata = metadataOf(incoming.headers);
      archived.set(seen.key, { storageClass, archivedAt: 0, ...(metadata !== undefined && { metadata }) });
      return answerCopied(incoming, outgoing);
    }
    if (['DeleteObject', ...writing].includes(seen.operation)) archived.delete(seen.key);
    const rule = archive!.lifecycle;
    if (writing.includes(seen.operation) && rule !== undefined && seen.key.startsWith(rule.prefix)) {
      const { storageClass: to, afterMilliseconds } = rule;
      const metadata = metadataOf(incoming.headers);
      // What was just written is days from it, and is read back meanwhile.
      const archivedAt = Date.now() + (seen.operation === 'CopyObject' ? afterMilliseconds : 3_600_000);
      archived.set(seen.key, { storageClass: to, archivedAt, ...(metadata !== undefined && { metadata }) });
      // The server behind makes a mess of a copy onto itself.
      if (seen.operation === 'CopyObject' && metadata !== undefined) return answerCopied(incoming, outgoing);
    }
    if (object === undefined || Date.now() < object.archivedAt) {
      if (object !== undefined && seen.operation === 'HeadObject') tellMetadata(object, outgoing);
      return false;
    }
    if (writing.includes(seen.operation)) return false;
    const isReadable = object.readableAt !== undefined && Date.now() >= object.readableAt;
    if (seen.operation === 'GetObject' && !isReadable) {
      answerError(incoming, outgoing, 403, 'InvalidObjectState');
      return true;
    }
    if (seen.operation === 'RestoreObject') {
      if (object.readableAt !== undefined && !isReadable) {
        answerError(incoming, outgoing, 409, 'RestoreAlreadyInProgress');
        return true;
      }
      object.readableAt ??= Date.now() + archive!.restoreMilliseconds;
      incoming.resume();
      outgoing.writeHead(202).end();
      return true;
    }
    if (seen.operation === 'HeadObject') {
      tellMetadata(object, outgoing);
      outgoing.setHeader('x-amz-storage-class', object.storageClass);
      if (object.readableAt !== undefined) {
        const until = 'expiry-date="Fri, 21 Dec 2040 00:00:00 GMT"';
        outgoing.setHeader(
          'x-amz-restore',
          isReadable ? `ongoing-request="false", ${until}` : 'ongoing-request="true"',
        );
      }
    }
    return false;
  }

  function forward(incoming: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined): void {
    const { hostname, port } = new URL(proxy.target);
    const onward = request(
      // With the Host that was signed.
      { hostname, port, method: incoming.method, path: incoming.url, headers: incoming.headers, setHost: false },
      (answer) => answerWith(answer, outgoing, fault),
    );
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }

  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: FaultProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    forget: () => void proxy.requests.splice(0),
    fault: () => undefined,
    done: new Map(),
    target,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

function answerCopied(incoming: IncomingMessage, outgoing: ServerResponse): true {
  incoming.resume();
  outgoing.writeHead(200, { 'content-type': 'application/xml' });
  outgoing.end(`<CopyObjectResult><ETag>"archived"</ETag></CopyObjectResult>`);
  return true;
}

/** What makes another object of what is under a key. */
const writing: S3Operation[] = ['PutObject', 'CopyObject', 'CompleteMultipartUpload'];

/** What is given with an object; undefined where a copy takes that of its source. */
function metadataOf(headers: IncomingMessage['headers']): Record<string, string> | undefined {
  if (headers['x-amz-metadata-directive'] !== 'REPLACE') return undefined;
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-')) as [string, string][],
  );
}

function tellMetadata({ metadata = {} }: ArchivedObject, outgoing: ServerResponse): void {
  for (const [name, value] of Object.entries(metadata)) outgoing.setHeader(name, value);
}

function answerWith(answer: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined): void {
  const status = answer.statusCode ?? 502;
  if (fault === undefined || (fault.kind !== 'lost-answer' && fault.kind !== 'ok-with-error' && status >= 300)) {
    outgoing.writeHead(status, answer.headers);
    answer.pipe(outgoing);
    answer.on('error', () => outgoing.destroy());
    return;
  }
  const { headers } = answer;
  let at = 0;
  switch (fault.kind) {
    case 'lost-answer':
      answer.resume();
      answer.on('end', () => outgoing.destroy());
      return;
    case 'ok-with-error':
      answer.resume();
      outgoing.writeHead(200, { 'content-type': 'application/xml' });
      outgoing.end(errorBody(fault.code));
      return;
    case 'truncate': {
      const bytes = Math.min(fault.bytes, Number(headers['content-length'] ?? fault.bytes));
      outgoing.writeHead(status, { ...headers, 'content-length': String(bytes) });
      answer.on('data', (chunk: Buffer) => {
        outgoing.write(chunk.subarray(0, Math.max(0, bytes - at)));
        at += chunk.length;
      });
      answer.on('end', () => outgoing.end());
      return;
    }
    case 'flip':
      outgoing.writeHead(status, headers);
      answer.on('data', (chunk: Buffer) => {
        const copy = Buffer.from(chunk);
        const place = fault.at - at;
        if (place >= 0 && place < copy.length) copy[place]! ^= 1;
        outgoing.write(copy);
        at += chunk.length;
      });
      answer.on('end', () => outgoing.end());
      return;
    case 'reset':
      outgoing.writeHead(status, headers);
      if (Number(headers['content-length'] ?? 0) === 0 || fault.afterBytes === 0) outgoing.flushHeaders();
      answer.on('data', (chunk: Buffer) => {
        const left = fault.afterBytes - at;
        at += chunk.length;
        if (left > 0) outgoing.write(chunk.subarray(0, left));
        if (at >= fault.afterBytes) setTimeout(() => outgoing.socket?.resetAndDestroy(), 5);
      });
      answer.on('end', () => setTimeout(() => outgoing.socket?.resetAndDestroy(), 5));
      return;
    default:
      outgoing.destroy();
  }
}

function answerError(incoming: IncomingMessage, outgoing: ServerResponse, status: number, code: string): void {
  incoming.resume();
  incoming.on('end', () => {
    outgoing.writeHead(status, { 'content-type': 'application/xml' });
    outgoing.end(incoming.method === 'HEAD' ? undefined : errorBody(code));
  });
}

const errorBody = (code: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>by the fault proxy</Message></Error>`;

function describe({ method = 'GET', url = '/', headers }: IncomingMessage, number: number): S3Request {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const [, , ...path] = pathname.split('/');
  const key = path.join('/');
  return {
    method,
    key,
    number,
    range: headers.range,
    headers,
    operation: operationOf(method, key, searchParams, headers),
  };
}

function operationOf(
  method: string,
  key: string,
  search: URLSearchParams,
  headers: IncomingMessage['headers'],
): S3Operation {
  if (key === '') return method === 'GET' ? 'List' : 'Bucket';
  switch (method) {
    case 'HEAD':
      return 'HeadObject';
    case 'PUT':
      if (search.has('uploadId')) return 'UploadPart';
      return headers['x-amz-copy-source'] === undefined ? 'PutObject' : 'CopyObject';
    case 'POST':
      if (search.has('restore')) return 'RestoreObject';
      return search.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
    case 'DELETE':
      return search.has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
    default:
      return 'GetObject';
  }
}
