import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const tool = path.resolve(import.meta.dirname, '../../../shared/tools/s3/ceph-s3.sh');

export interface RealS3 {
  endpoint: string;
  region: string;
  bucket: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  forcePathStyle: true;
}

/**
 * A real S3 server for tests: the one that ISOCENTER_TEST_S3_ENDPOINT names (with ISOCENTER_TEST_S3_BUCKET,
 * AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or the one beside the project when it runs already. Undefined when there
 * is none: then what needs it is skipped.
 */
export async function findRealS3(): Promise<RealS3 | undefined> {
  const variables = process.env['ISOCENTER_TEST_S3_ENDPOINT'] === undefined ? await running() : named();
  if (variables === undefined) return undefined;
  const { endpoint, bucket, accessKeyId, secretAccessKey } = variables;
  const credentials = { accessKeyId, secretAccessKey };
  return { endpoint, region: 'us-east-1', bucket, credentials, forcePathStyle: true };
}

function named() {
  const { env } = process;
  return {
    endpoint: env['ISOCENTER_TEST_S3_ENDPOINT']!,
    bucket: env['ISOCENTER_TEST_S3_BUCKET'] ?? 'test',
    accessKeyId: env['AWS_ACCESS_KEY_ID'] ?? '',
    secretAccessKey: env['AWS_SECRET_ACCESS_KEY'] ?? '',
  };
}

async function running() {
  if (!existsSync(tool)) return undefined;
  try {
    const { stdout } = await promisify(execFile)(tool, ['env'], { timeout: 20_000 });
    const found = Object.fromEntries(stdout.split('\n').map((line) => line.split('=') as [string, string]));
    const endpoint = found['S3_ENDPOINT'];
    if (endpoint === undefined || !(await fetch(endpoint).catch(() => undefined))) return undefined;
    return {
      endpoint,
      bucket: found['S3_BUCKET'] ?? 'test',
      accessKeyId: found['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: found['AWS_SECRET_ACCESS_KEY'] ?? '',
    };
  } catch {
    return undefined;
  }
}
