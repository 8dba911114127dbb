import { connect, type Socket } from 'node:net';

export interface Answer {
  status: number;
  /** The head as received, its names in lower case. */
  head: string;
  /** Empty when the request was not to keep it. In memory that the connection's next answer is written over. */
  body: Buffer;
  bytes: number;
}

export interface Request {
  method?: 'GET' | 'POST';
  path: string;
  accept: string;
  contentType?: string;
  body?: readonly Uint8Array[];
  /** Count the bytes and drop them: for answers of hundreds of megabytes. */
  isDropped?: boolean;
}

/**
 * One keep-alive HTTP/1.1 connection with one request in flight. Node's own clients take several times the processor
 * time, on a machine that the server shares; what is measured is to be the server.
 */
export class Connection {
  private readonly server: URL;
  private socket: Socket | undefined;
  /** Where bytes come in, and where bodies are put together: used again, since memory that is new each time costs more. */
  private readonly received = Buffer.allocUnsafe(receivedBytes);
  private readonly kept = new KeptBody();
  private waiting:
    { reader: AnswerReader; resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;

  constructor(server: URL) {
    this.server = server;
  }

  /** @throws when the connection breaks; the next request opens another */
  async send(request: Request): Promise<Answer> {
    const socket = this.socket ?? (await this.open());
    return new Promise<Answer>((resolve, reject) => {
      this.waiting = { reader: new AnswerReader(request.isDropped ?? false, this.kept), resolve, reject };
      if (request.body === undefined) return void socket.write(headOf(this.server, request, 0));
      socket.cork();
      socket.write(
        headOf(
          this.server,
          request,
          request.body.reduce((sum, piece) => sum + piece.length, 0),
        ),
      );
      for (const piece of request.body) socket.write(piece);
      socket.uncork();
    });
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  private open(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const onread = {
        buffer: this.received,
        callback: (count: number, bytes: Uint8Array) => {
          this.take(socket, (bytes as Buffer).subarray(0, count));
          return true;
        },
      };
      const socket: Socket = connect({
        host: this.server.hostname,
        port: Number(this.server.port || 80),
        noDelay: true,
        onread,
      });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        socket.on('error', (error) => this.break(socket, error));
        socket.on('close', () => this.break(socket, new Error('The server closed the connection')));
        this.socket = socket;
        resolve(socket);
      });
    });
  }

  private take(socket: Socket, bytes: Buffer): void {
    if (this.waiting === undefined) return this.break(socket, new Error('Bytes that nobody asked for'));
    const { reader, resolve } = this.waiting;
    let answer: Answer | undefined;
    try {
      answer = reader.take(bytes);
    } catch (error) {
      return this.break(socket, error as Error);
    }
    if (answer === undefined) return;
    this.waiting = undefined;
    if (answer.head.includes('\r\nconnection: close')) this.close();
    resolve(answer);
  }

  private break(socket: Socket, error: Error): void {
    if (socket !== this.socket) return;
    this.close();
    this.waiting?.reject(error);
    this.waiting = undefined;
  }
}

function headOf(server: URL, { method = 'GET', path, accept, contentType }: Request, length: number): string {
  const lines = [
    `${method} ${server.pathname.replace(/\/$/, '')}${path} HTTP/1.1`,
    `Host: ${server.host}`,
    `Accept: ${accept}`,
  ];
  if (contentType !== undefined) lines.push(`Content-Type: ${contentType}`, `Content-Length: ${length}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

const receivedBytes = 1024 * 1024;

/** The bytes of a body, in memory that grows to the longest. */
class KeptBody {
  private memory = Buffer.alloc(0);
  private length = 0;

  /** @param bytes how many there will be, as far as that is known */
  begin(bytes: number): void {
    this.length = 0;
    this.hold(bytes);
  }

  add(piece: Uint8Array): void {
    this.hold(this.length + piece.length);
    this.memory.set(piece, this.length);
    this.length += piece.length;
  }

  all(): Buffer {
    return this.memory.subarray(0, this.length);
  }

  private hold(bytes: number): void {
    if (bytes <= this.memory.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * this.memory.length));
    larger.set(this.all());
    this.memory = larger;
  }
}

/** Reads one answer as its bytes come, by length or in chunks (RFC 9112 section 6). */
export class AnswerReader {
  private readonly isDropped: boolean;
  private readonly kept: KeptBody;
  private rest: Buffer = Buffer.alloc(0);
  private state: 'head' | 'length' | 'size' | 'chunk' | 'trailer' = 'head';
  private left = 0;
  private head = '';
  private bytes = 0;

  constructor(isDropped: boolean, kept = new KeptBody()) {
    this.isDropped = isDropped;
    this.kept = kept;
    kept.begin(0);
  }

  /** @param received is read while this runs, and may be written over afterwards @returns the answer, once it is whole */
  take(received: Buffer): Answer | undefined {
    let data = this.rest.length === 0 ? received : Buffer.concat([this.rest, received]);
    this.rest = Buffer.alloc(0);
    for (;;) {
      if (this.state === 'length' || this.state === 'chunk') {
        const piece = data.subarray(0, this.left);
        if (!this.isDropped) this.kept.add(piece);
        this.bytes += piece.length;
        this.left -= piece.length;
        data = data.subarray(piece.length);
        if (this.left > 0) return undefined;
        if (this.state === 'length') return this.whole();
        if (data.length < 2) return this.wait(data);
        data = data.subarray(2);
        this.state = 'size';
      }
      const separator = this.state === 'head' ? '\r\n\r\n' : '\r\n';
      const end = data.indexOf(separator);
      if (end < 0) return this.wait(data);
      const line = data.toString('latin1', 0, end);
      data = data.subarray(end + separator.length);
      if (this.state === 'trailer') {
        if (line === '') return this.whole();
      } else if (this.state === 'size') {
        this.left = Number.parseInt(line, 16);
        if (!(this.left >= 0)) throw new Error(`No chunk size: ${line.slice(0, 20)}`);
        this.state = this.left === 0 ? 'trailer' : 'chunk';
      } else {
        this.state = this.readHead(line);
        if (this.state === 'length' && this.left === 0) return this.whole();
      }
    }
  }

  private readHead(text: string): typeof this.state {
    this.head = `${text.replace(/\r\n[^:]+:/g, (name) => name.toLowerCase())}\r\n`;
    if (this.head.startsWith('HTTP/1.1 1')) return 'head';
    if (this.head.includes('\r\ntransfer-encoding: chunked')) return 'size';
    this.left = Number(/\r\ncontent-length: *(\d+)/.exec(this.head)?.[1] ?? 0);
    if (!this.isDropped) this.kept.begin(this.left);
    return 'length';
  }

  private wait(data: Buffer): undefined {
    this.rest = Buffer.from(data);
    return undefined;
  }

  private whole(): Answer {
    const { head, bytes } = this;
    return { status: Number(head.slice(9, 12)), head, body: this.kept.all(), bytes };
  }
}

/** @param name in lower case */
export function headerOf(answer: Answer, name: string): string | undefined {
  const start = answer.head.indexOf(`\r\n${name}:`);
  if (start < 0) return undefined;
  return answer.head.slice(start + name.length + 3, answer.head.indexOf('\r\n', start + 2)).trim();
}
