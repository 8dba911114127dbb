import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';
import { parentPort } from 'node:worker_threads';

// The thread in which blobs are read and hashed. It imports nothing of ours, and its types can be left out as they stand:
// so it starts from its source, too.

/** A GET as it goes on the wire, its signature included. */
export interface DigestRequest {
  protocol: string;
  hostname: string;
  port: number | undefined;
  /** With its query. */
  path: string;
  headers: Record<string, string>;
  /** Without a connection, and without a byte. */
  connectMilliseconds: number;
  idleMilliseconds: number;
}

/** What is hashed comes from a file, or from one request after the other. */
export type DigestMessage = { digest: number } & (
  | { kind: 'begin'; pieces: Float64Array | undefined; isWhole: boolean }
  | { kind: 'file'; file: string }
  | { kind: 'request'; request: DigestRequest }
  /** So many of the bytes that were told of may be followed by others. */
  | { kind: 'took'; bytes: number }
  | { kind: 'end' }
  | { kind: 'drop' }
);

export interface DigestError {
  name: string;
  message: string;
  code: string | undefined;
}

export type DigestAnswer = { digest: number } & (
  | { kind: 'answered'; status: number; headers: Record<string, string>; body: string }
  | { kind: 'refused'; error: DigestError }
  | { kind: 'read'; bytes: number }
  /** There is no more of the file, or of the answer; an answer may have broken off. */
  | { kind: 'over'; error: DigestError | undefined }
  | { kind: 'done'; bytes: number; sha256: Uint8Array | undefined; pieces: Uint8Array }
);

const blockBytes = 512 * 1024;
/** So much was read when the other thread is told: each telling is two messages, which cost as much as hashing some of it. */
const toldBytes = 2 * 1024 ** 2;
/** So far it reads ahead of who is told of it. */
const aheadMax = 4 * 1024 ** 2;
const errorBodyMax = 64 * 1024;
const readOnly = constants.O_RDONLY | constants.O_NOFOLLOW;
/** One for all: what is read is hashed before anything else is read. */
const block = Buffer.allocUnsafeSlow(blockBytes);
/** Of a connection. */
const receivedBytes = 256 * 1024;
/** Of a longer body the bytes do not go through Node's parser, and the connection is not used again: it knows nothing of its end. */
const parsedBytesMax = 4 * 1024 ** 2;

/** Takes what is received, whose memory is used again at once. @returns false: it wants no more for now */
type Sink = (received: Buffer) => boolean;

/** Who takes what is received on a connection, past whoever listens to it. */
const sinks = new WeakMap<Duplex, Sink>();

/**
 * A connection is read into memory that is used again: new memory for each read, and again for each chunk of a body, costs
 * more than hashing what is in it.
 */
function receive<Connection extends Duplex>(connect: (onread: object) => Connection): Connection {
  const callback = (bytes: number, memory: Buffer): boolean => {
    const received = memory.subarray(0, bytes);
    const sink = sinks.get(connection);
    if (sink !== undefined) return sink(received);
    connection.emit('data', received); // the parser copies what it hands on
    return true;
  };
  const connection = connect({ buffer: Buffer.allocUnsafeSlow(receivedBytes), callback });
  return connection;
}

class PlainAgent extends http.Agent {
  override createConnection(...[options, ...rest]: Parameters<http.Agent['createConnection']>) {
    return receive((onread) => super.createConnection({ ...options, onread } as typeof options, ...rest)!);
  }
}

class TlsAgent extends https.Agent {
  override createConnection(...[options, ...rest]: Parameters<https.Agent['createConnection']>) {
    return receive((onread) => super.createConnection({ ...options, onread } as typeof options, ...rest)!);
  }
}

const agents: Record<string, http.Agent> = {
  'http:': new PlainAgent({ keepAlive: true, maxSockets: 64 }),
  'https:': new TlsAgent({ keepAlive: true, maxSockets: 64 }),
};

type Told<Answer> = Answer extends unknown ? Omit<Answer, 'digest'> : never;

class Digest {
  private readonly id: number;
  private readonly pieces: Float64Array | undefined;
  private readonly whole: Hash | undefined;
  private readonly found: Uint8Array[] = [];
  /** Undefined where there are none, and behind the last. */
  private piece: Hash | undefined;
  private left = 0;
  private bytes = 0;
  private untold = 0;
  private ahead = 0;
  private isDropped = false;
  private fd: number | undefined;
  private request: http.ClientRequest | undefined;
  private response: http.IncomingMessage | undefined;
  private goOn: (() => void) | undefined;

  constructor(id: number, pieces: Float64Array | undefined, isWhole: boolean) {
    this.id = id;
    this.pieces = pieces;
    this.whole = isWhole ? createHash('sha256') : undefined;
    this.beginPiece();
  }

  tell(answer: Told<DigestAnswer>): void {
    parentPort?.postMessage({ digest: this.id, ...answer } as DigestAnswer);
  }

  async file(file: string): Promise<void> {
    try {
      this.fd = openSync(file, readOnly);
      for (let read = this.readBlock(); read > 0; read = this.readBlock()) {
        this.take(block.subarray(0, read));
        // Others have their turn, and this one may have been dropped.
        await new Promise<void>((resolve) => {
          if (this.ahead < aheadMax) setImmediate(resolve);
          else this.goOn = resolve;
        });
      }
      this.over(undefined);
    } catch (error) {
      this.over(describe(error as Error));
    } finally {
      this.close();
    }
  }

  get({ protocol, hostname, port, path, headers, ...limits }: DigestRequest): void {
    this.request?.destroy(); // who asks again does not wait for it
    const agent = agents[protocol]!;
    const request = (protocol === 'https:' ? https : http).request({ protocol, hostname, port, path, headers, agent });
    const isCurrent = () => this.request === request && !this.isDropped;
    this.request = request;
    this.response = undefined;
    const waiting = setTimeout(
      () => request.destroy(timeout(`no connection after ${limits.connectMilliseconds} ms`)),
      limits.connectMilliseconds,
    );
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => clearTimeout(waiting));
      else clearTimeout(waiting);
    });
    request.setTimeout(limits.idleMilliseconds, () => {
      // It is not the sender that is slow where it is not asked to send.
      if (this.goOn === undefined) request.destroy(timeout(`no byte for ${limits.idleMilliseconds} ms`));
    });
    request.on('error', (error) => {
      clearTimeout(waiting);
      if (isCurrent() && this.response === undefined) this.tell({ kind: 'refused', error: describe(error) });
    });
    request.on('response', (response) => {
      clearTimeout(waiting);
      if (!isCurrent()) return;
      this.response = response;
      const { statusCode: status = 0 } = response;
      const isFound = status === 200 || status === 206;
      const headersOf = Object.fromEntries(
        Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
      );
      let failure: Error | undefined;
      const body: Buffer[] = [];
      const { socket } = response;
      let left = Number(response.headers['content-length']);
      const isLong = left > parsedBytesMax && response.headers['transfer-encoding'] === undefined;
      const take = (chunk: Buffer): boolean => {
        left -= chunk.length;
        this.take(chunk);
        if (this.ahead < aheadMax) return true;
        this.goOn = () => {
          request.setTimeout(limits.idleMilliseconds);
          socket.resume();
        };
        return false;
      };
      if (isFound) this.tell({ kind: 'answered', status, headers: headersOf, body: '' });
      response.on('data', (chunk: Buffer) => {
        if (!isCurrent()) return;
        if (!isFound) {
          if (body.length * 1024 < errorBodyMax) body.push(chunk);
          return;
        }
        if (!take(chunk)) socket.pause();
        // What the parser was given is all here: from now on it need not be.
        if (!isLong || left <= parsedBytesMax || response.readableLength > 0) return;
        sinks.set(socket, (received) => {
          if (!isCurrent()) return true;
          const isMore = take(received.length > left ? received.subarray(0, left) : received);
          if (left === 0) socket.destroy();
          return isMore;
        });
      });
      response.on('error', (error) => (failure = error));
      response.on('close', () => {
        if (!isCurrent()) return;
        this.goOn = undefined;
        if (left === 0) failure = undefined;
        else if (!response.complete) failure ??= new Error('it broke off');
        if (isFound) this.over(failure && describe(failure));
        else if (failure !== undefined) this.tell({ kind: 'refused', error: describe(failure) });
        else this.tell({ kind: 'answered', status, headers: headersOf, body: Buffer.concat(body).toString() });
      });
    });
    request.end();
  }

  took(bytes: number): void {
    this.ahead -= bytes;
    if (this.ahead < aheadMax) this.wake();
  }

  end(): void {
    const pieces = new Uint8Array(32 * this.found.length);
    for (const [index, sha256] of this.found.entries()) pieces.set(sha256, 32 * index);
    this.tell({ kind: 'done', bytes: this.bytes, sha256: this.whole?.digest(), pieces });
  }

  drop(): void {
    this.isDropped = true;
    this.request?.destroy();
    this.wake();
  }

  private readBlock(): number {
    return this.isDropped ? 0 : readSync(this.fd!, block, 0, blockBytes, this.bytes);
  }

  private take(chunk: Uint8Array): void {
    this.whole?.update(chunk);
    this.takePieces(chunk);
    this.bytes += chunk.length;
    this.ahead += chunk.length;
    this.untold += chunk.length;
    if (this.untold >= toldBytes) this.tellRead();
  }

  private takePieces(chunk: Uint8Array): void {
    for (let at = 0; this.piece !== undefined && at < chunk.length;) {
      const part = chunk.subarray(at, at + this.left);
      this.piece.update(part);
      this.left -= part.length;
      at += part.length;
      if (this.left > 0) continue;
      this.found.push(this.piece.digest());
      this.beginPiece();
    }
  }

  private beginPiece(): void {
    const bytes = this.pieces?.[this.found.length];
    this.piece = bytes === undefined ? undefined : createHash('sha256');
    this.left = bytes ?? 0;
  }

  private tellRead(): void {
    if (this.untold > 0) this.tell({ kind: 'read', bytes: this.untold });
    this.untold = 0;
  }

  private over(error: DigestError | undefined): void {
    this.tellRead();
    this.tell({ kind: 'over', error });
  }

  private wake(): void {
    const { goOn } = this;
    this.goOn = undefined;
    goOn?.();
  }

  private close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
    this.fd = undefined;
  }
}

function describe(error: Error): DigestError {
  const { name, message, code } = error as NodeJS.ErrnoException;
  return { name, message, code };
}

const timeout = (message: string): Error => Object.assign(new Error(message), { name: 'TimeoutError' });

const digests = new Map<number, Digest>();

parentPort?.on('message', (message: DigestMessage) => {
  const { digest: id } = message;
  if (message.kind === 'begin') {
    digests.set(id, new Digest(id, message.pieces, message.isWhole));
    return;
  }
  const digest = digests.get(id);
  if (digest === undefined) return;
  switch (message.kind) {
    case 'file':
      void digest.file(message.file);
      break;
    case 'request':
      digest.get(message.request);
      break;
    case 'took':
      digest.took(message.bytes);
      break;
    case 'end':
      digest.end();
      break;
    case 'drop':
      digest.drop();
      digests.delete(id);
      break;
  }
});
