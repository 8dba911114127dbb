import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

export interface TestS3 {
  options: {
    endpoint: string;
    region: string;
    bucket: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
    forcePathStyle: true;
  };
  /** The same as environment variables, for a suite in another process. */
  environment: Record<string, string>;
  stop(): Promise<void>;
}

interface S3rver {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
}

/** An S3 server in this process, over real HTTP, with one bucket. @param directory where it keeps its objects */
export async function startS3(directory: string): Promise<TestS3> {
  const S3rverClass = createRequire(import.meta.url)('s3rver') as new (options: object) => S3rver;
  const bucket = 'isocenter';
  const server = new S3rverClass({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    configureBuckets: [{ name: bucket }],
  });
  const { port } = await server.run();
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
  const options = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    bucket,
    credentials,
    forcePathStyle: true as const,
  };
  return {
    options,
    environment: {
      S3_ENDPOINT: options.endpoint,
      S3_BUCKET: bucket,
      S3_ACCESS_KEY_ID: credentials.accessKeyId,
      S3_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      S3_FORCE_PATH_STYLE: 'on',
    },
    stop: () => server.close(),
  };
}
