import path from 'node:path';
import { type BlobStore, BlobStores, CachedBlobStore, FilesystemBlobStore, S3BlobStore } from '#libs/blobs';
import type { Config, StoreConfig } from '#libs/config';
import type { Health } from '#libs/telemetry';

const gigabyte = 1e9;

/**
 * Opens the stores that are configured. A process is ready while the hot ones work: what is elsewhere answers 503 while its
 * store does not, and everything else goes on.
 */
export async function openStores(config: Config, health: Health): Promise<BlobStores> {
  const stores = new BlobStores(
    await Promise.all(
      config.stores.map(async (store) => ({
        tier: store.tier,
        store: await openStore(store, config.dataDir),
        isReadOnly: store.readOnly,
        ...(store.maxGb !== undefined && { bytesMax: store.maxGb * gigabyte }),
        ...(store.prices !== undefined && { prices: store.prices }),
      })),
    ),
  );
  health.register('blobs', async () => {
    const failing: Record<string, string> = {};
    await Promise.all(
      stores.entries.map(async ({ tier, store }) => {
        try {
          await store.probe();
        } catch (error) {
          if (tier === 'hot') throw error;
          failing[store.name] = (error as Error).message;
        }
      }),
    );
    return { tiers: stores.tiers, ...(Object.keys(failing).length > 0 && { failing }) };
  });
  return stores;
}

async function openStore(store: StoreConfig, dataDir: string): Promise<BlobStore> {
  if (store.kind === 'filesystem') return FilesystemBlobStore.open(store.name, store.path);
  const { accessKeyId, secretAccessKey } = store;
  const bucket = new S3BlobStore(store.name, {
    endpoint: store.endpoint,
    region: store.region,
    bucket: store.bucket,
    prefix: store.prefix,
    credentials:
      accessKeyId !== undefined && secretAccessKey !== undefined ? { accessKeyId, secretAccessKey } : undefined,
    forcePathStyle: store.forcePathStyle,
    storageClass: store.storageClass,
    archive: store.archive,
    encryption: store.encryption,
  });
  if (store.readCacheGb === undefined) return bucket;
  // One folder a process: each empties its own at start.
  const folder = path.join(dataDir, 'cache', `${store.name}-${process.pid}`);
  return CachedBlobStore.open(bucket, folder, store.readCacheGb * gigabyte);
}
