import { findRealS3 } from '../support/real-s3.js';
import { startS3 } from '../support/s3.js';
import { type FaultProxy, startFaultProxy } from './s3-fault-proxy.js';

export interface ProxiedS3 {
  proxy: FaultProxy;
  /** A place of its own in the bucket, as ISOCENTER_STORES has it; name and tier are still to be given. */
  place: Record<string, unknown>;
  stop(): Promise<void>;
}

/**
 * The real S3 server where there is one, or one in this process, behind a proxy that does what networks and servers do.
 * @param directory where the one in this process keeps its objects
 * @param name what the keys begin with, and the time
 */
export async function startProxiedS3(directory: string, name: string): Promise<ProxiedS3> {
  const real = await findRealS3();
  const s3 = real === undefined ? await startS3(directory) : undefined;
  const { endpoint, bucket, credentials } = real ?? s3!.options;
  const proxy = await startFaultProxy(endpoint);
  const prefix = `${name}-${Date.now()}/`;
  return {
    proxy,
    place: { kind: 's3', bucket, endpoint: proxy.endpoint, prefix, forcePathStyle: true, ...credentials },
    stop: async () => {
      await proxy.close();
      await s3?.stop();
    },
  };
}
