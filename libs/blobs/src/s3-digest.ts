import { Readable } from 'node:stream';
import type { GetObjectCommand, GetObjectCommandOutput, S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { DigestRequest } from './digest-worker.js';
import { connectMilliseconds, createClient, idleMillisecondsOf, type S3Options } from './s3-client.js';
import type { ThreadDigest } from './thread-digest.js';

/** A request as the SDK hands it over, signed. */
interface SignedRequest {
  protocol: string;
  hostname: string;
  port?: number;
  path: string;
  query?: Record<string, string | string[] | null>;
  headers: Record<string, string>;
}

/**
 * Gets objects whose bytes are hashed in another thread and never come to this one: the SDK signs, tries again, and tells
 * what an answer means, and the thread that hashes is what it sends by. The body of an answer is empty.
 */
export class DigestHandler {
  private client: S3Client | undefined;
  private readonly limits: Pick<DigestRequest, 'connectMilliseconds' | 'idleMilliseconds'>;

  constructor(private readonly options: S3Options) {
    this.limits = { connectMilliseconds, idleMilliseconds: idleMillisecondsOf(options) };
  }

  async send(command: GetObjectCommand, digest: ThreadDigest): Promise<GetObjectCommandOutput> {
    this.client ??= createClient(this.options, this.handler());
    // The SDK passes on what it does not know.
    const passedOn: object = { digest };
    return this.client.send(command, passedOn);
  }

  private handler(): S3ClientConfig['requestHandler'] {
    const handle = async (request: SignedRequest, { digest }: { digest: ThreadDigest }) => {
      const { protocol, hostname, port, headers } = request;
      const path = request.path + queryOf(request.query);
      const answer = await digest.request({ protocol, hostname, port, path, headers, ...this.limits });
      const body = Readable.from(answer.body === '' ? [] : [Buffer.from(answer.body)], { objectMode: false });
      return { response: { statusCode: answer.status, headers: answer.headers, body } };
    };
    const handler = {
      handle,
      destroy: () => undefined,
      updateHttpClientConfig: () => undefined,
      httpHandlerConfigs: () => ({}),
    };
    return handler as unknown as S3ClientConfig['requestHandler'];
  }
}

function queryOf(query: SignedRequest['query'] = {}): string {
  const parts = Object.entries(query).flatMap(([name, values]) =>
    [values].flat().map((value) => (value === null ? escaped(name) : `${escaped(name)}=${escaped(value)}`)),
  );
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** As it was signed (RFC 3986). */
const escaped = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
